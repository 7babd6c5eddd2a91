import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000)

/** Claims that a browser token has to have. */
export const browserClaims = (claims: object = {}): object => ({
  aud: 'tabcast',
  sub: 'demo',
  iat: now(),
  exp: now() + 60,
  ...claims,
})

/** A token by hand, without the library that checks it. The header may say what it wants. */
export function forge(header: object, claims: object, signature: (input: string) => string): string {
  const input = `${encode({ typ: 'JWT', ...header })}.${encode(claims)}`
  return `${input}.${signature(input)}`
}

export const hs256 = (secret: string, claims: object, header: object = {}): string =>
  forge({ alg: 'HS256', ...header }, claims, (input) =>
    createHmac('sha256', secret).update(input).digest('base64url'),
  )

export const rs256 = (key: KeyObject, claims: object, header: object = {}): string =>
  forge({ alg: 'RS256', ...header }, claims, (input) =>
    createSign('sha256').update(input).sign(key, 'base64url'),
  )

export const es256 = (key: KeyObject, claims: object, header: object = {}): string =>
  forge({ alg: 'ES256', ...header }, claims, (input) =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  )

export const eddsa = (key: KeyObject, claims: object, header: object = {}): string =>
  forge({ alg: 'EdDSA', ...header }, claims, (input) =>
    sign(null, Buffer.from(input), key).toString('base64url'),
  )

export const rsaPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ecPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const ed25519Pair = () => generateKeyPairSync('ed25519')

export const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()

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
  // One that has expired was valid once.
  const iat = Math.min(now(), now() + ttl - 1)
  return signToken(secret, { aud: 'tabcast', sub: user, iat, exp: now() + ttl, rooms, publish })
}

/** A token with any claims, right or wrong, signed with HS256. A claim that is undefined is left out. */
export const signToken = (secret: string, claims: object): string => hs256(secret, claims)
