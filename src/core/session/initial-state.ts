import type { Broker } from '../engine/broker.ts'
import type { Channel } from '../model/channel.ts'
import type { SubscribeOptions } from '../model/events.ts'
import type { Gap, StreamPosition } from '../model/position.ts'
import type { Publication } from '../model/publication.ts'

/** The publications in the answer to `subscribe`; the rest follow as messages. */
export interface InitialState {
  publications: Publication[]
  gap?: Gap
  /** The position of the tab after the answer. */
  position: StreamPosition
  /** True if no messages are left to follow. */
  complete: boolean
}

/** The most bytes of messages in an answer. */
const MOST_BYTES = 262_144

/** The most messages in an answer. */
const MOST_ENTRIES = 1000

/** The most bytes of the log that are read to find where the last messages begin. */
const LOOK_BACK_BYTES = 16_777_216

/**
 * Reads the first page for a tab that subscribes: what it missed, or the last messages, or nothing. `head`: the end of the log when it joined.
 * Rejects with the engine's error.
 */
export async function readInitialState(
  broker: Broker,
  channel: Channel,
  { since, last = 0 }: SubscribeOptions,
  head: StreamPosition,
): Promise<InitialState> {
  if (since?.seq !== undefined) {
    const page = await broker.since(channel, since, { entries: MOST_ENTRIES, bytes: MOST_BYTES })
    return { ...page, position: page.end }
  }
  if (last === 0) return { publications: [], position: head, complete: true }
  const page = await broker.latest(channel, undefined, { entries: last, bytes: LOOK_BACK_BYTES })
  const publications = cut(page.publications)
  if (publications.length === page.publications.length)
    return { publications, position: page.head, complete: true }
  const { seq, epoch } = publications.at(-1)!
  return { publications, position: { seq, epoch }, complete: false }
}

/** As many from the front as fit into an answer; at least one. */
function cut(publications: Publication[]): Publication[] {
  let bytes = 0
  const end = publications.findIndex(({ packet }, index) => {
    bytes += packet.length
    return bytes > MOST_BYTES && index > 0
  })
  return end < 0 ? publications : publications.slice(0, end)
}
