/** A change of a user's memberships: the user becomes a member of a room, may speak there from now on or no longer, or is no longer a member. */
export type MembershipControl =
  | { action: 'join'; room: string; publish: boolean }
  | { action: 'leave'; room: string }

/** An order of the server to itself. It is an entry of the user's log, so that a lost one is repaired like any other; no tab receives it. */
export type Control = { action: 'disconnect' } | MembershipControl
