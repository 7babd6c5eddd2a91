/**
 * The ports. An engine stores, numbers and carries publications; it knows neither HTTP nor sockets, and no type of its
 * vendor shows here. Written as prose first, then built twice: `engines/embedded` and `engines/redis`.
 *
 * Every method that returns a promise rejects with a `ServiceError`: `engine_unavailable` or `engine_timeout` within two seconds
 * when the store can't be reached, never a hang. After either, it is open whether the call took effect.
 */
import type { Broker } from './broker.ts'
import type { Connections } from './connections.ts'
import type { Inbox } from './inbox.ts'
import type { Memberships } from './memberships.ts'
import type { Presence } from './presence.ts'
import type { Registry } from './registry.ts'
import type { Revocations } from './revocations.ts'
import type { Schedule } from './schedule.ts'
import type { WebhookQueue } from './webhook-queue.ts'

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
