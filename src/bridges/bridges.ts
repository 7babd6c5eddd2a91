import type { Listen, LiveParts } from './live.ts'
import { openRedisPublishBridge, type PublishRule } from './redis-publish.ts'
import { RedisStreamBridge, STREAM_BLOCK, type StreamParts } from './redis-stream.ts'
import type { Rejections } from './rejections.ts'
import { openSocketioEmitterBridge } from './socketio-emitter.ts'

/** The settings of the bridges: which are open, and what each needs. */
export interface BridgeSettings {
  /** The rules; none: closed. */
  redisPublish: readonly PublishRule[]
  /** The key of the emitters; undefined: closed. */
  socketioEmitter: string | undefined
  /** The stream whose entries are published; undefined: closed. */
  redisStream: string | undefined
}

/** The parts that the bridges work with. */
export interface BridgeOptions extends Pick<StreamParts, 'publish' | 'report'> {
  settings: BridgeSettings
  /** True in a process that has tabs: the bridges whose messages are ephemeral reach those, so every such process has its own. */
  tabs: boolean
  /** True in a process that takes posts: the bridge that stores belongs there. */
  posts: boolean
  listen: Listen
  /** Makes a connection on which a command may take `block` milliseconds longer than elsewhere. */
  connect(block: number): ReturnType<StreamParts['connect']>
  publishEphemeral: LiveParts['publishEphemeral']
  rejections: Rejections
}

/** The ways in for those who speak to Redis already. */
export class Bridges {
  readonly #options: BridgeOptions | undefined
  readonly #live: readonly { close(): void }[]
  #stream: RedisStreamBridge | undefined

  /** Opens the bridges whose messages are ephemeral. Without options there are none. */
  constructor(options?: BridgeOptions) {
    this.#options = options
    this.#live = options?.tabs ? openLive(options) : []
  }

  /** Opens the bridge that stores; to be called when the process is ready to publish. */
  start(): void {
    if (!this.#options?.posts) return
    const { settings, connect, publish, rejections, report } = this.#options
    if (settings.redisStream === undefined) return
    this.#stream = new RedisStreamBridge(settings.redisStream, {
      connect: () => connect(STREAM_BLOCK),
      publish,
      reject: (reason) => rejections.add('redis-stream', reason),
      report,
    })
  }

  /** Closes the bridge that stores; resolves when nothing is being published any more. */
  async stopPublishing(): Promise<void> {
    await this.#stream?.close()
  }

  /** Closes the others. */
  close(): void {
    for (const bridge of this.#live) bridge.close()
  }
}

function openLive({ settings, listen, publishEphemeral, rejections }: BridgeOptions): { close(): void }[] {
  const { redisPublish, socketioEmitter } = settings
  const partsOf = (source: string): LiveParts => ({
    listen,
    publishEphemeral,
    reject: (reason) => rejections.add(source, reason),
  })
  const bridges: { close(): void }[] = []
  if (redisPublish.length > 0) bridges.push(openRedisPublishBridge(redisPublish, partsOf('redis-publish')))
  if (socketioEmitter !== undefined)
    bridges.push(openSocketioEmitterBridge(socketioEmitter, partsOf('socketio-emitter')))
  return bridges
}
