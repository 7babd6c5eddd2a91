import type { Draft } from '../model/publication.ts'

/** A stored grant: the user may hear the room, and speak in it if `publish` is true. */
export interface Membership {
  user: string
  room: string
  publish: boolean
}

/**
 * The memberships of users in rooms, kept with the user until they are taken back.
 *
 * A change and the control entry that reports it are one write: a process that follows the user's log misses no change without noticing. A
 * call that changes nothing writes nothing.
 */
export interface Memberships {
  /**
   * Stores a membership and the control entry; resolves to true if anything changed.
   * Rejects with `too_many_memberships` if the user is a member of `most` rooms already.
   */
  grant(membership: Membership, control: Draft, most: number): Promise<boolean>

  /** Takes a membership back and stores the control entry; resolves to true if there was one. */
  withdraw(membership: Pick<Membership, 'user' | 'room'>, control: Draft): Promise<boolean>

  /** Reads the rooms of a user; each is true if the user may speak there. */
  of(user: string): Promise<Map<string, boolean>>
}
