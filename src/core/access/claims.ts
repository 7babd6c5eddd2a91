/** What a verified browser token says. */
export interface BrowserClaims {
  /** `sub`: the user that the tab belongs to. */
  user: string
  /** `iat`, in seconds since the epoch. */
  issuedAt: number
  /** `exp`, in seconds since the epoch. */
  expiresAt: number
  /** Patterns of rooms that may be subscribed. */
  rooms: readonly string[]
  /** Patterns of rooms in which the page may speak. */
  publish: readonly string[]
}

/** What a verified room token says: one user may subscribe one room. */
export interface RoomClaims {
  user: string
  room: string
  /** `exp`, in seconds since the epoch. */
  expiresAt: number
  publish: boolean
}

/** Checks tokens; rejects with `token_invalid` or `token_expired`. */
export interface TokenVerifier {
  /** A browser token, `aud: "tabcast"`. */
  browser(token: string): Promise<BrowserClaims>
  /** A room token, `aud: "tabcast:room"`. */
  room(token: string): Promise<RoomClaims>
}

/**
 * Whether one of the patterns matches an id. A pattern is an exact id, or a prefix and one final `*`; nothing else in it is special.
 */
export function matchesPattern(patterns: readonly string[], id: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : pattern === id,
  )
}
