import type { StreamPosition } from '../model/position.ts'

/** A user of whom connections have come into this process. */
export interface ArrivingUser {
  user: string
  /** The connections of the user in this process by now. */
  connections: number
}

/** The facts that a connection needs when it comes. */
export interface Arrival {
  /** The end of the user's log. */
  position: StreamPosition
  /** As `Revocations.revokedUntil` returns it. */
  revokedUntil: number
  /** As `Memberships.of` returns it. Several connections may share it, so none may change it. */
  memberships: ReadonlyMap<string, boolean>
}

/**
 * The beginning of connections: states them, and reads what the store has for them, in one call for all that come in one turn of the event loop.
 *
 * The end of the log is read no later than the rest. So a change of memberships or a revocation that the rest does not show yet has its control entry
 * behind `position`, where whoever subscribed before hears it.
 */
export interface Arrivals {
  /**
   * States the connections of each user, as `Connections.announce` does, and reads the rest; resolves to the result of each user, in their order.
   * Does not reject.
   */
  enter(users: readonly ArrivingUser[]): Promise<PromiseSettledResult<Arrival>[]>
}
