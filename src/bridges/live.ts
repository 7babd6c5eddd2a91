import type { Audience } from '../core/delivery/ephemeral-event.ts'
import type { Publication } from '../core/model/publication.ts'

/** Hears what others publish in Redis under a topic: a channel's name, or a prefix and one final `*`. Answers how to stop. */
export type Listen = (
  topics: readonly string[],
  onMessage: (topic: string, channel: string, message: Buffer) => void,
) => { close(): void }

/** What a door that only carries is given by the house. */
export interface LiveParts {
  listen: Listen
  /** Tells the tabs of this process; false if it was dropped for want of time. */
  publishEphemeral(publication: Publication, audience: Audience): boolean
  /** Counts a message that can't be delivered. */
  reject(reason: string): void
}

/** What a message comes to: an event, and for whom it is. */
export interface BridgedEvent {
  publication: Publication
  audience: Audience
}

/**
 * Opens a door: what `read` makes of each message goes to the tabs of this process. `read` throws an error that says why it can't;
 * whatever it throws, the message is counted and nobody is harmed.
 */
export function openLiveBridge(
  topics: readonly string[],
  read: (topic: string, channel: string, message: Buffer) => BridgedEvent[],
  { listen, publishEphemeral, reject }: LiveParts,
): { close(): void } {
  return listen(topics, (topic, channel, message) => {
    try {
      for (const { publication, audience } of read(topic, channel, message))
        if (!publishEphemeral(publication, audience))
          reject('more came than could be told to the tabs in time')
    } catch (error) {
      reject(`on ${JSON.stringify(channel)}, ${(error as Error).message}`)
    }
  })
}
