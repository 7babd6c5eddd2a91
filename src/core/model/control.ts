/** The user became a member of a room, may speak there from now on or no longer, or is no member any more. */
export type MembershipControl =
  | { action: 'join'; room: string; publish: boolean }
  | { action: 'leave'; room: string }

/** An order of the server to itself on a user's log, so that a lost one is repaired like any other publication; no tab is shown it. */
export type Control = { action: 'disconnect' } | MembershipControl
