import { createSigner } from 'fast-jwt'
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

/** Signs with the first of the secrets; undefined without one, since whoever only checks tokens can't make them. */
export function createTokenSigner([secret]: readonly string[]): TokenSigner | undefined {
  if (secret === undefined) return undefined
  const sign = createSigner({ key: secret, algorithm: 'HS256' })
  return ({ user, ttl, rooms = [], publish = [] }) => {
    const now = Math.floor(Date.now() / 1000)
    const expiresAt = now + ttl
    return {
      token: sign({ aud: BROWSER_AUDIENCE, sub: user, iat: now, exp: expiresAt, rooms, publish }),
      expiresAt,
    }
  }
}
