import type { Channel } from '../model/channel.ts'
import { refuseFaults } from '../model/errors.ts'
import type { NotificationInput } from '../model/notification.ts'
import type { Draft } from '../model/publication.ts'

/** A notification that waits for its time. */
export interface Scheduled {
  draft: Draft
  /** Milliseconds since the epoch. */
  at: number
  /** How long it is to live from then on, in seconds; undefined for as long as the retention. */
  ttl: number | undefined
}

/** How far ahead something can be scheduled, in milliseconds: a year. */
export const MAX_AHEAD = 366 * 24 * 60 * 60 * 1000

/** How long it is remembered that something was cancelled, in milliseconds: longer than a process has it in hand to publish it. */
export const CANCELLED_FOR = 60_000

/**
 * What waits for its time, kept by the store. Nothing here publishes: see `Scheduler`. What is due stays until it is concluded, so that a
 * process that dies in between loses nothing; the idempotency key under which it is published keeps it from being published twice.
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

  /** Cancels one; resolves to whether it was waiting. */
  cancel(channel: Channel, id: string): Promise<boolean>

  /**
   * Forgets one that has been published. Resolves to whether it was cancelled before that: then whoever asks withdraws it. Of several that
   * publish the same one, those that come later are told no, since nobody can have cancelled what is no longer there.
   */
  conclude(channel: Channel, id: string): Promise<boolean>
}

/** Throws `invalid_request` for what can't be scheduled for `at`, in milliseconds since the epoch. */
export function refuseTime({ ttl }: NotificationInput, at: number): void {
  if (ttl === 0) refuseFaults([{ pointer: '/ttl', detail: 'must not be 0 with sendAt' }])
  if (at > Date.now() + MAX_AHEAD) refuseFaults([{ pointer: '/sendAt', detail: 'must be within a year' }])
}
