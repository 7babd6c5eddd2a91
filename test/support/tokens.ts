import { createSigner } from 'fast-jwt'

export interface BrowserTokenOptions {
  user: string
  /** Patterns of rooms that may be subscribed. */
  rooms?: string[]
  /** Patterns of rooms in which the page may speak. */
  publish?: string[]
  /** Seconds; a negative one makes a token that has expired. */
  ttl?: number
}

/** A browser token as a backend would sign it itself: HS256, `aud: "tabcast"`. */
export function browserToken(secret: string, options: BrowserTokenOptions): string {
  const { user, rooms, publish, ttl = 3600 } = options
  const now = Math.floor(Date.now() / 1000)
  // One that has expired was valid once.
  const iat = Math.min(now, now + ttl - 1)
  return signToken(secret, { aud: 'tabcast', sub: user, iat, exp: now + ttl, rooms, publish })
}

/** A token with any claims, right or wrong, signed with HS256. A claim that is undefined is left out. */
export function signToken(secret: string, claims: Record<string, unknown>): string {
  return createSigner({ key: secret, algorithm: 'HS256' })(JSON.parse(JSON.stringify(claims)))
}
