/**
 * The ports. An engine stores, numbers and announces publications; it knows neither HTTP nor sockets, and no type of its
 * vendor shows here. There are two: `engines/embedded` and `engines/redis`.
 *
 * Every method that returns a promise rejects with a `ServiceError`: `engine_unavailable` or `engine_timeout` within two seconds
 * when the store cannot be reached, never a hang. After either, the call may have taken effect or not.
 */
import type { Arrivals } from './arrivals.ts'
import type { Broker } from './broker.ts'
import type { Connections } from './connections.ts'
import type { Inbox } from './inbox.ts'
import type { Memberships } from './memberships.ts'
import type { Presence } from './presence.ts'
import type { Registry } from './registry.ts'
import type { Revocations } from './revocations.ts'
import type { Schedule } from './schedule.ts'
import type { WebhookQueue } from './webhook-queue.ts'

/** One store with all its ports. */
export interface Engine {
  readonly name: 'embedded' | 'redis'
  readonly broker: Broker
  readonly inbox: Inbox
  readonly schedule: Schedule
  readonly webhookQueue: WebhookQueue
  readonly connections: Connections
  readonly arrivals: Arrivals
  readonly presence: Presence
  readonly memberships: Memberships
  readonly revocations: Revocations
  readonly registry: Registry
  /** The longest time until a publish is stored or rejected, in milliseconds. */
  readonly patience: number

  /** Proves the whole path: a canary is published and must come back on its topic. Rejects if it does not. */
  probe(): Promise<void>

  /** Describes the store for the operator's log at the start, such as its durability; resolves to one sentence each. */
  describe(): Promise<string[]>

  /** Ends every connection and frees the process. Later calls of any method reject with `shutting_down`. Idempotent. */
  close(): Promise<void>
}

/** The limits of a log. */
export interface Retention {
  /** The most entries that are kept. */
  count: number
  /** The longest time for which an entry is kept. */
  seconds: number
}

/** The options of every engine. */
export interface EngineOptions {
  retention: { user: Retention; room: Retention }
  /** Receives the errors that reach no caller, such as one that a publication handler threw. */
  report(error: unknown): void
}
