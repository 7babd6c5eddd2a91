import type { Channel } from '../model/channel.ts'
import type { Counts, UpsertOutcome } from '../model/item.ts'
import type { Cursor, Gap, StreamPosition } from '../model/position.ts'
import type { Draft, Publication } from '../model/publication.ts'

/** How long an idempotency key is remembered, in seconds. */
export const IDEMPOTENCY_SECONDS = 24 * 60 * 60

/** What a publish answers. */
export interface Published {
  id: string
  /** 0 for a publication that was only carried. */
  seq: number
  epoch: string
  /** Connections of the channel, over all processes, when it was stored. */
  connections: number
  /** An earlier publish with the same idempotency key stored it; nothing was stored or carried now. */
  replayed: boolean
  /** What became of the notification, if it was one that is stored. */
  upsert?: UpsertOutcome
}

/** A stretch of a log, in seq order. */
export interface LogPage {
  /** What was lost before the first entry, if anything was. */
  gap?: Gap
  publications: Publication[]
  /** Where the log ended when it was read. */
  head: StreamPosition
  /** Of the inbox, as it was then: `since` answers them for the log of a user. */
  counts?: Counts
  /** Whether nothing is left in the direction of reading. */
  complete: boolean
  /** Where to read on. Upwards: the last upsert that was looked at, or the head if the page is complete; downwards: the oldest entry. */
  end: StreamPosition
}

/** How much one read may bring: a page ends at whichever comes first, but holds at least one entry if there is one. */
export interface PageLimit {
  entries: number
  bytes: number
}

/** Called with each publication of a subscribed channel, in the order in which the store numbered them. */
export type PublicationHandler = (publication: Publication) => void

/**
 * The log and its bell.
 *
 * Promised: `publish` resolves after the store has it, under the configured durability, and never before; handlers are called later
 * than that, never inside `publish`; the seqs of a channel are 1, 2, 3 … without a hole; one idempotency key stores once.
 *
 * Not promised: that a handler hears every publication. A subscription can lose its connection for a moment; the log is the truth
 * and the bell only says when to look. Whoever counts on every entry compares seqs and reads what is missing with `since`.
 */
export interface Broker {
  /**
   * Stores a draft, gives it the next seq of its channel, and carries it to all subscribers.
   * Rejects with `idempotency_conflict` if its key was used with another fingerprint in the last 24 hours.
   */
  publish(draft: Draft): Promise<Published>

  /** Publishes drafts that differ in their channels and ids alone, together and faster; resolves to what became of each, in their order. */
  publishAll(drafts: readonly Draft[]): Promise<PromiseSettledResult<Published>[]>

  /** After it resolves, the handler hears the next publication. Every handler of a channel hears each publication once. */
  subscribe(channel: Channel, handler: PublicationHandler): Promise<void>

  /** After it returns, the handler hears nothing more. A handler that was not subscribed is ignored. */
  unsubscribe(channel: Channel, handler: PublicationHandler): void

  /**
   * Everything after `cursor` that retention, expiry and deletion have left, oldest first, and the gap to admit before it.
   * The first read of a channel founds its log, so that the position it answers holds from then on.
   */
  since(channel: Channel, cursor: Cursor, limit: PageLimit): Promise<LogPage>

  /** The newest entries below `before` (without it: of all), oldest first; `complete` if nothing older is left. */
  latest(channel: Channel, before: number | undefined, limit: PageLimit): Promise<LogPage>

  /** Calls the listener whenever subscriptions were cut and are back: publications may have been missed in between. */
  onRestored(listener: () => void): void
}
