import type { Listen, LiveParts } from './live.ts'
import { openRedisPublishBridge, type PublishRule } from './redis-publish.ts'
import type { Rejections } from './rejections.ts'
import { openSocketioEmitterBridge } from './socketio-emitter.ts'

/** Which doors that only publishEphemeral are open. */
export interface LiveBridgeSettings {
  /** None: closed. */
  redisPublish: readonly PublishRule[]
  /** The key of the emitters; undefined: closed. */
  socketioEmitter: string | undefined
}

/** Opens the doors through which others speak to the tabs of this process alone; each process of a set-up opens its own. */
export function openLiveBridges(
  { redisPublish, socketioEmitter }: LiveBridgeSettings,
  parts: { listen: Listen; publishEphemeral: LiveParts['publishEphemeral']; rejections: Rejections },
): { close(): void } {
  const { rejections, ...others } = parts
  const partsOf = (door: string): LiveParts => ({
    ...others,
    reject: (reason) => rejections.add(door, reason),
  })
  const doors: { close(): void }[] = []
  if (redisPublish.length > 0) doors.push(openRedisPublishBridge(redisPublish, partsOf('redis-publish')))
  if (socketioEmitter !== undefined)
    doors.push(openSocketioEmitterBridge(socketioEmitter, partsOf('socketio-emitter')))
  return {
    close() {
      for (const door of doors) door.close()
    },
  }
}
