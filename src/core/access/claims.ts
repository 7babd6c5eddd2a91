/** The claims of a verified browser token. */
export interface BrowserClaims {
  /** `sub`: the user that the tab belongs to. */
  user: string
  /** `iat`, in seconds since the epoch. */
  issuedAt: number
  /** `exp`, in seconds since the epoch. */
  expiresAt: number
  /** Patterns of rooms that the page may subscribe to. */
  rooms: readonly string[]
  /** Patterns of rooms in which the page may speak. */
  publish: readonly string[]
}

/** The claims of a verified room token: one user may subscribe to one room. */
export interface RoomClaims {
  user: string
  room: string
  /** `exp`, in seconds since the epoch. */
  expiresAt: number
  publish: boolean
}

/** Checks tokens (RFC 7519); its methods reject with `token_invalid` or `token_expired`. */
export interface TokenVerifier {
  /** Verifies a browser token, `aud: "tabcast"`. */
  browser(token: string): Promise<BrowserClaims>
  /** Verifies a room token, `aud: "tabcast:room"`. */
  room(token: string): Promise<RoomClaims>
}

/** True if one of the patterns matches an id. A pattern is an exact id, or a prefix and one final `*`; nothing else in it is special. */
export function matchesPattern(patterns: readonly string[], id: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : pattern === id,
  )
}
