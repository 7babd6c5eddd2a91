import type { Signatures } from './token-signatures.ts'
import { BROWSER_AUDIENCE } from './token-verifier.ts'

/** What a browser token is to say. */
export interface TokenGrant {
  user: string
  /** Seconds until it expires. */
  ttl: number
  rooms?: readonly string[]
  publish?: readonly string[]
}

export interface SignedToken {
  token: string
  /** Seconds since the epoch. */
  expiresAt: number
}

/** Makes browser tokens. */
export type TokenSigner = (grant: TokenGrant) => SignedToken

/** Undefined where tokens can only be checked. */
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
