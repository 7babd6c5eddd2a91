/** A user in a room. */
export interface PresentUser {
  user: string
  /** The connections of the user in the room, over all processes. */
  connections: number
}

/** The users in a room. */
export interface PresentUsers {
  /** In no order, and at most as many as were asked for. */
  users: PresentUser[]
  /** The number of all users in the room. */
  count: number
}

/**
 * The users in each room, over all processes. The statement of a process holds until it makes another one or dies: the engine repeats it after
 * the store has forgotten it, and the users of a dead process are gone within ten seconds.
 *
 * Whenever a user comes into a room, or has left it with the last connection, a `presence` publication passes on the room's topic: once,
 * whichever process found out. It is ephemeral, so a handler can miss one; the count in each is the number of users after it.
 */
export interface Presence {
  /** States the number of connections that some users have in a room in this process; 0 withdraws a user. */
  state(room: string, users: ReadonlyMap<string, number>): Promise<void>

  /** Lists the users in a room, at most `most` of them. */
  list(room: string, most: number): Promise<PresentUsers>
}
