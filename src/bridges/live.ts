import type { Audience } from '../core/delivery/ephemeral-event.ts'
import type { Publication } from '../core/model/publication.ts'

/**
 * Listens to the channels of Redis that match one of these patterns: a channel's name, or a prefix and one final `*`. `onMessage` receives
 * the pattern that matched, the channel, and the message. Returns what stops it.
 */
export type Listen = (
  patterns: readonly string[],
  onMessage: (pattern: string, channel: string, message: Buffer) => void,
) => { close(): void }

/** The parts that a live bridge works with. */
export interface LiveParts {
  listen: Listen
  /** Sends an event to the tabs of this process, without storing it; false if it was dropped because the tabs could not keep up. */
  publishEphemeral(publication: Publication, audience: Audience): boolean
  /** Counts a message that cannot be delivered. */
  reject(reason: string): void
}

/** The event that a message becomes, and its audience. */
export interface BridgedEvent {
  publication: Publication
  audience: Audience
}

/**
 * Opens a live bridge: the events that `read` makes of each message go to the tabs of this process. `read` throws an error that says why a
 * message cannot be delivered; whatever it throws, the message is counted as rejected. Returns what closes the bridge.
 */
export function openLiveBridge(
  patterns: readonly string[],
  read: (pattern: string, channel: string, message: Buffer) => BridgedEvent[],
  { listen, publishEphemeral, reject }: LiveParts,
): { close(): void } {
  return listen(patterns, (pattern, channel, message) => {
    try {
      for (const { publication, audience } of read(pattern, channel, message))
        if (!publishEphemeral(publication, audience)) reject('more came than the tabs could be sent in time')
    } catch (error) {
      reject(`on ${JSON.stringify(channel)}, ${(error as Error).message}`)
    }
  })
}
