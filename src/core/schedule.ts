import type { Channel } from './channel.ts'
import type { Draft } from './publication.ts'

/** A notification that waits for its time. */
export interface Scheduled {
  draft: Draft
  /** Milliseconds since the epoch. */
  at: number
  /** How long it is to live from then on, in seconds; undefined for as long as the retention. */
  ttl: number | undefined
}

/**
 * What waits for its time, kept by the store. Nothing here publishes: see `Scheduler`. What is due stays until it is removed, so that a process
 * that dies in between loses nothing; the idempotency key under which it is published keeps it from being published twice.
 */
export interface Schedule {
  /**
   * Keeps a draft until its time. The same idempotency key keeps one: resolves to its id and whether it was kept before.
   * Rejects with `idempotency_conflict`.
   */
  add(scheduled: Scheduled): Promise<{ id: string; replayed: boolean }>

  /** What is due at a time in milliseconds, the oldest first, so many at most. */
  due(now: number, limit: number): Promise<Scheduled[]>

  /** The one of a user with this id, or the first with this tag. */
  find(channel: Channel, idOrTag: string): Promise<Scheduled | undefined>

  /** Forgets one; resolves to whether it was still there. */
  remove(channel: Channel, id: string): Promise<boolean>
}
