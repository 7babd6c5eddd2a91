import { createPublicKey, hash } from 'node:crypto'
import { type ApiKey, parseScopes } from '../core/access/scopes.ts'

/** A list of values that were understood, and what is wrong with the others. */
export interface Parsed<Value> {
  values: Value[]
  faults: string[]
}

/** How to make a key or a secret, for whoever is told that one is missing. */
export const MAKE_SECRET = "openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"

const KEY = /^[A-Za-z0-9_-]{22,}$/
const NAME = /^[A-Za-z0-9._-]{1,64}$/
const SHA256 = /^[0-9a-fA-F]{64}$/

/**
 * Reads `name:key` and `name:sha256:hex`, each with `:scope+scope` behind if it is limited, separated by commas or new lines. Two keys
 * may share a name: during a rotation they are the same caller.
 */
export function parseApiKeys(text: string): Parsed<ApiKey> {
  return parseEach(text.split(/[,\n]/), 'entry', (entry) => {
    const [name, ...rest] = splitEntry(entry)
    // What has no colon may be the key itself, which is not repeated.
    if (rest.length === 0 || !NAME.test(name!)) return 'must be name:key, the name of A-Z a-z 0-9 . _ -'
    const hashed = rest[0] === 'sha256'
    const [key = '', scopes] = hashed ? rest.slice(1) : rest
    if (hashed && !SHA256.test(key)) return `("${name}") wants 64 hexadecimal digits after sha256:`
    if (!hashed && !KEY.test(key))
      return `("${name}") wants a key of at least 22 characters of A-Z a-z 0-9 _ -; make one with: ${MAKE_SECRET}`
    const granted = parseScopes(scopes?.split('+'))
    if (typeof granted === 'string') return `("${name}") ${granted}`
    const sha256 = hashed ? Buffer.from(key, 'hex') : hash('sha256', key, 'buffer')
    return { value: { name: name!, sha256, scopes: granted } }
  })
}

/** Scopes have a colon of their own, so only the first two or three of an entry separate its parts. */
function splitEntry(entry: string): string[] {
  const parts = entry.split(':')
  const count = parts[1] === 'sha256' ? 3 : 2
  const scopes = parts.slice(count)
  return scopes.length === 0 ? parts : [...parts.slice(0, count), scopes.join(':')]
}

/** Reads the secrets that browser tokens are signed with, separated by commas or new lines; the first signs. */
export function parseJwtSecrets(text: string): Parsed<string> {
  return parseEach(text.split(/[,\n]/), 'secret', (secret) => {
    if (secret.includes('-----BEGIN')) return 'is a PEM file: a public key belongs in JWT_PUBLIC_KEY'
    if (Buffer.byteLength(secret) < 32)
      return `has ${Buffer.byteLength(secret)} bytes, wants at least 32 (a comma separates several); make one with: ${MAKE_SECRET}`
    return { value: secret }
  })
}

/** How to make a secret that webhooks are signed with. */
const MAKE_WEBHOOK_SECRET = 'echo "whsec_$(openssl rand -base64 32)"'

const WEBHOOK_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/

/** Reads the secrets that webhooks are signed with, as Standard Webhooks writes them, separated by commas or new lines; all sign. */
export function parseWebhookSecrets(text: string): Parsed<string> {
  return parseEach(text.split(/[,\n]/), 'secret', (secret) => {
    const encoded = WEBHOOK_SECRET.exec(secret)?.[1]
    if (encoded === undefined || encoded.length % 4 !== 0)
      return `must be whsec_ and base64; make one with: ${MAKE_WEBHOOK_SECRET}`
    const bytes = Buffer.from(encoded, 'base64').length
    if (bytes < 24 || bytes > 64)
      return `has ${bytes} bytes, wants 24 to 64; make one with: ${MAKE_WEBHOOK_SECRET}`
    return { value: secret }
  })
}

/** Reads every piece that is not blank; a fault says which piece it is of, never what the piece says. */
function parseEach<Value>(
  pieces: readonly string[],
  noun: string,
  parse: (piece: string) => { value: Value } | string,
): Parsed<Value> {
  const parsed: Parsed<Value> = { values: [], faults: [] }
  for (const [index, piece] of pieces.map((piece) => piece.trim()).entries()) {
    const result = piece === '' ? undefined : parse(piece)
    if (typeof result === 'string') parsed.faults.push(`${noun} ${index + 1} ${result}`)
    else if (result !== undefined) parsed.values.push(result.value)
  }
  return parsed
}

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g
const KEY_TYPES = ['rsa', 'ec', 'ed25519']
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']

/** Reads one or more public keys in PEM, one behind the other. `\n` may stand for a new line. */
export function parsePublicKeys(text: string): Parsed<string> {
  const blocks = text.replaceAll('\\n', '\n').match(PEM)
  if (blocks === null)
    return { values: [], faults: ['wants a public key in PEM: -----BEGIN PUBLIC KEY----- …'] }
  return parseEach(blocks, 'key', (pem) => {
    if (/BEGIN [A-Z ]*PRIVATE KEY/.test(pem))
      return 'is a private key, which only the signer should have; get the public one with: openssl pkey -in private.pem -pubout'
    try {
      const { asymmetricKeyType: type = '', asymmetricKeyDetails: details = {} } = createPublicKey(pem)
      if (!KEY_TYPES.includes(type)) return `is of type ${type}, wants one of ${KEY_TYPES.join(', ')}`
      if (type === 'rsa' && (details.modulusLength ?? 0) < 2048)
        return `has ${details.modulusLength} bits, wants at least 2048`
      if (type === 'ec' && !CURVES.includes(details.namedCurve ?? ''))
        return `is on the curve ${details.namedCurve}, wants one of ${CURVES.join(', ')}`
      return { value: pem }
    } catch (error) {
      return `can not be read (${(error as Error).message})`
    }
  })
}
