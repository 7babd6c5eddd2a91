import type { Draft } from '../model/publication.ts'

/** A stored grant: the user may hear the room, and speak in it if it says so. */
export interface Membership {
  user: string
  room: string
  publish: boolean
}

/**
 * Who is a member of which room, kept with the user until it is taken back.
 *
 * A change and the control entry that tells it are one write: a process that hears the user's log has missed no change, or finds the hole. What
 * changes nothing writes nothing.
 */
export interface Memberships {
  /**
   * Stores a membership and the control entry; resolves to whether anything changed.
   * Rejects with `too_many_memberships` if the user is a member of so many rooms already.
   */
  grant(membership: Membership, control: Draft, most: number): Promise<boolean>

  /** Takes a membership back and stores the control entry; resolves to whether there was one. */
  withdraw(membership: Pick<Membership, 'user' | 'room'>, control: Draft): Promise<boolean>

  /** The rooms of a user, and whether they may speak in each. */
  of(user: string): Promise<Map<string, boolean>>
}
