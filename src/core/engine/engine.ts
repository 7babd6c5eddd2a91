/**
 * The ports. An engine stores, numbers and carries publications; it knows neither HTTP nor sockets, and no type of its
 * vendor shows here. Written as prose first, then built twice: `engines/embedded` and `engines/redis`.
 *
 * Every method that returns a promise rejects with a `ServiceError`: `engine_unavailable` or `engine_timeout` within two seconds
 * when the store can't be reached, never a hang. After either, it is open whether the call took effect.
 */
import type { Channel } from '../model/channel.ts'
import type { Counts, UpsertOutcome } from '../model/item.ts'
import type { Cursor, Gap, StreamPosition } from '../model/position.ts'
import type { Draft, Publication } from '../model/publication.ts'
import type { Inbox } from './inbox.ts'
import type { Memberships } from './memberships.ts'
import type { Presence } from './presence.ts'
import type { Schedule } from './schedule.ts'
import type { WebhookQueue } from './webhook-queue.ts'

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

/** Who is connected, counted over all processes. The counts of a process that dies are gone within ten seconds. */
export interface Connections {
  /**
   * States how many connections of a channel this process has; 0 withdraws it, and if that fails the engine goes on trying until another
   * number is stated. Answers where the log stands, so that one round trip registers and checks a position.
   */
  announce(channel: Channel, connections: number): Promise<StreamPosition>

  /** The connections of each channel, in the order asked. */
  count(channels: readonly Channel[]): Promise<ConnectionCount[]>
}

export interface ConnectionCount {
  connections: number
  /**
   * When the channel last had a connection, in milliseconds since the epoch; undefined if never, or forgotten. While it has one, it is
   * the last time that this was known for sure, at most two minutes ago.
   */
  lastSeen: number | undefined
}

/** Which tokens of a user are no longer accepted. Kept until it is replaced by a later one. */
export interface Revocations {
  /** Refuses every token of the user that was issued at or before `issuedAt` (seconds since the epoch). */
  revoke(user: string, issuedAt: number): Promise<void>

  /** The latest `issuedAt` that is refused; 0 for none. */
  revokedUntil(user: string): Promise<number>
}

/** A running process, as the others see it. */
export interface Peer {
  role: string
  /** Where its HTTP server can be reached from this machine's network, as a URL. */
  url: string
}

/** Which processes share this store. */
export interface Registry {
  /** Makes this process known, from now until the engine is closed. */
  enter(peer: Peer): void

  /** The processes that are alive, this one included. */
  peers(): Promise<Peer[]>
}

export interface Engine {
  readonly name: 'embedded' | 'redis'
  readonly broker: Broker
  readonly inbox: Inbox
  readonly schedule: Schedule
  readonly webhookQueue: WebhookQueue
  readonly connections: Connections
  readonly presence: Presence
  readonly memberships: Memberships
  readonly revocations: Revocations
  readonly registry: Registry
  /** How long a publish may take until it is stored or rejected, in milliseconds. */
  readonly patience: number

  /** Proves the whole path: a canary is published and must come back through a subscription. Rejects if it does not. */
  probe(): Promise<void>

  /** What an operator should know at the start, such as the store's durability; one sentence each. */
  describe(): Promise<string[]>

  /** Ends every connection and frees the process. Later calls of any method reject with `shutting_down`. Idempotent. */
  close(): Promise<void>
}

/** How much of a log is kept. */
export interface Retention {
  /** Entries. */
  count: number
  /** Seconds. */
  seconds: number
}

/** What every engine is told at its birth. */
export interface EngineOptions {
  retention: { user: Retention; room: Retention }
  /** Is told of an error that no caller can be told of, such as one that a publication handler threw. */
  report(error: unknown): void
}

/** How long an idempotency key is remembered, in seconds. */
export const IDEMPOTENCY_SECONDS = 24 * 60 * 60
