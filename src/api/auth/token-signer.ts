import type { Signatures } from './token-signatures.ts'
import { BROWSER_AUDIENCE } from './token-verifier.ts'

/** The contents of a browser token. */
export interface TokenGrant {
  user: string
  /** Seconds until it expires. */
  ttl: number
  /** Patterns of the rooms that the tab may hear. */
  rooms?: readonly string[]
  /** Patterns of the rooms in which it may speak. */
  publish?: readonly string[]
}

/** A browser token, and the time when it expires. */
export interface SignedToken {
  token: string
  /** Seconds since the epoch. */
  expiresAt: number
}

/** Makes browser tokens. */
export type TokenSigner = (grant: TokenGrant) => SignedToken

/** Makes the signer; undefined if there is nothing to sign with, and tokens can only be checked. */
export function createTokenSigner(sign: Signatures['sign']): TokenSigner | undefined {
  if (sign === undefined) return undefined
  return ({ user, ttl, rooms = [], publish = [] }) => {
    const now = Math.floor(Date.now() / 1000)
    const expiresAt = now + ttl
    return {
      token: sign({ aud: BROWSER_AUDIENCE, sub: user, iat: now, exp: expiresAt, rooms, publish }),
      expiresAt,
    }
  }
}
