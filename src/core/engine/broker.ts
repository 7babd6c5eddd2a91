import type { Channel } from '../model/channel.ts'
import type { Counts, UpsertOutcome } from '../model/item.ts'
import type { Cursor, Gap, StreamPosition } from '../model/position.ts'
import type { Draft, Publication } from '../model/publication.ts'

/** The time for which an idempotency key is remembered, in seconds. */
export const IDEMPOTENCY_SECONDS = 24 * 60 * 60

/** The result of a publish. */
export interface Published {
  id: string
  /** 0 if it is ephemeral. */
  seq: number
  /** Empty if it is ephemeral. */
  epoch: string
  /** Connections of the channel, over all processes, when it was stored. */
  connections: number
  /** True if an earlier publish with the same idempotency key stored it; nothing was stored or announced now. */
  replayed: boolean
  /** The outcome in the inbox, if it is a notification that is stored. */
  upsert?: UpsertOutcome
}

/** A stretch of a log, in seq order. */
export interface LogPage {
  /** The loss before the first entry, if there was one. */
  gap?: Gap
  publications: Publication[]
  /** The end of the log when it was read. */
  head: StreamPosition
  /** The counts of the inbox at that moment: `since` returns them for the log of a user. */
  counts?: Counts
  /** True if nothing is left in the direction of reading. */
  complete: boolean
  /** The position to read on from. Upwards: the last entry that was looked at, or the head if the page is complete; downwards: the oldest entry. */
  end: StreamPosition
}

/** The most that one read may return: a page ends at whichever limit comes first, but has at least one entry if there is one. */
export interface PageLimit {
  entries: number
  /** Of the entries as they are stored. */
  bytes: number
}

/** A function that is called with each publication of a channel, in the order in which the store numbered them. */
export type PublicationHandler = (publication: Publication) => void

/**
 * The log of each channel, and its topic: the messages that say when to look at the log.
 *
 * Promised: `publish` resolves when the store has the draft, under the configured durability, and never before; handlers are called after
 * that, never inside `publish`; the seqs of a channel are 1, 2, 3 … without a hole; one idempotency key stores once.
 *
 * Not promised: that a handler hears every publication. A topic listener can lose its connection for a moment; the log is the truth, and the
 * topic only says when to look. A caller that needs every entry compares seqs and reads what is missing with `since`.
 */
export interface Broker {
  /**
   * Stores a draft, gives it the next seq of its channel, and announces it to all handlers. An ephemeral draft is only passed on.
   * Rejects with `idempotency_conflict` if its key was used with another fingerprint in the last 24 hours.
   */
  publish(draft: Draft): Promise<Published>

  /** Publishes drafts that differ in their channels and ids alone, together and faster; resolves to the result of each, in their order. */
  publishAll(drafts: readonly Draft[]): Promise<PromiseSettledResult<Published>[]>

  /** Adds a handler, which hears every publication that follows when this has resolved, each once. */
  subscribe(channel: Channel, handler: PublicationHandler): Promise<void>

  /** Removes a handler, which hears nothing more when this has returned. A handler that was not added is ignored. */
  unsubscribe(channel: Channel, handler: PublicationHandler): void

  /**
   * Reads everything after `cursor` that retention, expiry and deletion have left, oldest first, and the gap to admit before it.
   * A log begins with its first entry: a read founds none. The position of a log that was not yet written holds all the same, see
   * `unwrittenEpoch`.
   */
  since(channel: Channel, cursor: Cursor, limit: PageLimit): Promise<LogPage>

  /** Reads the newest entries below the seq `before` (without it: of all), oldest first; `complete` if nothing older is left. */
  latest(channel: Channel, before: number | undefined, limit: PageLimit): Promise<LogPage>

  /** Adds a listener, which is called whenever topics were cut off and are back: publications may have been missed in between. */
  onRestored(listener: () => void): void
}
