/** A user in a room. */
export interface PresentUser {
  user: string
  /** Of this user in the room, over all processes. */
  connections: number
}

/** Who is in a room. */
export interface PresentUsers {
  /** In no order, and so many at most as were asked for. */
  users: PresentUser[]
  /** How many users there are. */
  count: number
}

/**
 * Which users are in which rooms, over all processes. What a process has stated holds until it states otherwise or dies: the engine states it
 * again after the store has forgotten it, and the people of a dead process are gone within ten seconds.
 *
 * Whenever a user comes into a room, or has left it with the last connection, this is carried on the room's bell as a `presence` publication: once,
 * whoever found out. It is not stored, so a subscriber can miss one; the count in each says how many there are after it.
 */
export interface Presence {
  /** States how many connections some users have in a room in this process; 0 withdraws. */
  state(room: string, people: ReadonlyMap<string, number>): Promise<void>

  /** Who is in a room, so many of them at most. */
  list(room: string, most: number): Promise<PresentUsers>
}
