import type { Channel } from '../model/channel.ts'
import { refuseFaults } from '../model/errors.ts'
import type { NotificationInput } from '../model/notification.ts'
import type { Draft } from '../model/publication.ts'

/** A notification that waits for its time. */
export interface Scheduled {
  draft: Draft
  /** Milliseconds since the epoch. */
  at: number
  /** The seconds for which it is kept from then on; undefined for as long as the retention. */
  ttl: number | undefined
}

/** The longest time ahead for which something can be scheduled, in milliseconds: a year. */
export const MAX_AHEAD = 366 * 24 * 60 * 60 * 1000

/** The time for which a cancellation is remembered, in milliseconds: longer than a process takes from the look to the publish. */
export const CANCELLED_FOR = 60_000

/**
 * The notifications that wait for their time, kept by the store. Nothing here publishes: see `Scheduler`. One that is due stays until it is
 * concluded, so that a process that dies in between loses nothing; the idempotency key under which it is published keeps it from being
 * published twice.
 */
export interface Schedule {
  /**
   * Keeps a draft until its time. One idempotency key keeps one draft: resolves to its id; `replayed` if it was kept before.
   * Rejects with `idempotency_conflict`.
   */
  add(scheduled: Scheduled): Promise<{ id: string; replayed: boolean }>

  /** Lists what is due at `now` (milliseconds since the epoch), the oldest first, at most `limit` of it. */
  due(now: number, limit: number): Promise<Scheduled[]>

  /** Finds the notification with this id, or the first with this tag; resolves to undefined if there is none. */
  find(channel: Channel, idOrTag: string): Promise<Scheduled | undefined>

  /** Cancels the notification with this id; resolves to true if it was waiting. */
  cancel(channel: Channel, id: string): Promise<boolean>

  /**
   * Forgets a notification that has been published. Resolves to true if it was cancelled before that: then the caller withdraws it. Of several
   * processes that publish the same one, all but the first receive false, since nobody can have cancelled it after it was forgotten.
   */
  conclude(channel: Channel, id: string): Promise<boolean>
}

/** Throws `invalid_request` if a notification cannot be scheduled for `at`, in milliseconds since the epoch. */
export function refuseTime({ ttl }: NotificationInput, at: number): void {
  if (ttl === 0) refuseFaults([{ pointer: '/ttl', detail: 'must not be 0 with sendAt' }])
  if (at > Date.now() + MAX_AHEAD) refuseFaults([{ pointer: '/sendAt', detail: 'must be within a year' }])
}
