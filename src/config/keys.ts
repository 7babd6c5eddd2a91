import { createPublicKey, hash } from 'node:crypto'
import { type ApiKey, parseScopes } from '../core/access/scopes.ts'

/** The values of a list that are valid, and what is wrong with the others. */
export interface Parsed<Value> {
  values: Value[]
  faults: string[]
}

/** A shell command that makes a key or a secret, for messages that one is missing. */
export const MAKE_SECRET = "openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"

const KEY = /^[A-Za-z0-9_-]{22,}$/
const NAME = /^[A-Za-z0-9._-]{1,64}$/
const SHA256 = /^[0-9a-fA-F]{64}$/

/**
 * Reads API keys: `name:key` or `name:sha256:hex`, each followed by `:scope+scope` if it is limited, separated by commas or new lines. Two
 * keys may share a name: during a rotation they are the same caller.
 */
export function parseApiKeys(text: string): Parsed<ApiKey> {
  return parseEach(text.split(/[,\n]/), 'entry', (entry) => {
    const [name, ...rest] = splitEntry(entry)
    // An entry without a colon may be the key itself, which is not repeated.
    if (rest.length === 0 || !NAME.test(name!)) return 'must be name:key, the name of A-Z a-z 0-9 . _ -'
    const hashed = rest[0] === 'sha256'
    const [key = '', scopes] = hashed ? rest.slice(1) : rest
    if (hashed && !SHA256.test(key)) return `("${name}") needs 64 hexadecimal digits after sha256:`
    if (!hashed && !KEY.test(key))
      return `("${name}") needs a key of at least 22 characters of A-Z a-z 0-9 _ -; make one with: ${MAKE_SECRET}`
    const granted = parseScopes(scopes?.split('+'))
    if (typeof granted === 'string') return `("${name}") ${granted}`
    const sha256 = hashed ? Buffer.from(key, 'hex') : hash('sha256', key, 'buffer')
    return { value: { name: name!, sha256, scopes: granted } }
  })
}

/** Splits an entry into its parts. Scopes contain colons, so only the first two or three separate parts. */
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
      return `has ${Buffer.byteLength(secret)} bytes, and needs at least 32 (a comma separates several); make one with: ${MAKE_SECRET}`
    return { value: secret }
  })
}

/** A shell command that makes a secret for webhooks. */
const MAKE_WEBHOOK_SECRET = 'echo "whsec_$(openssl rand -base64 32)"'

const WEBHOOK_SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/

/** Reads the secrets that webhooks are signed with, as in Standard Webhooks, separated by commas or new lines; all of them sign. */
export function parseWebhookSecrets(text: string): Parsed<string> {
  return parseEach(text.split(/[,\n]/), 'secret', (secret) => {
    const encoded = WEBHOOK_SECRET.exec(secret)?.[1]
    if (encoded === undefined || encoded.length % 4 !== 0)
      return `must be whsec_ and base64; make one with: ${MAKE_WEBHOOK_SECRET}`
    const bytes = Buffer.from(encoded, 'base64').length
    if (bytes < 24 || bytes > 64)
      return `has ${bytes} bytes, and needs 24 to 64; make one with: ${MAKE_WEBHOOK_SECRET}`
    return { value: secret }
  })
}

/** Reads every piece that is not blank. A fault names its piece by its number, since the text may be a secret. */
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

/** Reads one or more public keys in PEM (RFC 7468), one after the other. `\n` may stand for a new line. */
export function parsePublicKeys(text: string): Parsed<string> {
  const blocks = text.replaceAll('\\n', '\n').match(PEM)
  if (blocks === null)
    return { values: [], faults: ['needs a public key in PEM: -----BEGIN PUBLIC KEY----- …'] }
  return parseEach(blocks, 'key', (pem) => {
    if (/BEGIN [A-Z ]*PRIVATE KEY/.test(pem))
      return 'is a private key, which only the signer should have; get the public one with: openssl pkey -in private.pem -pubout'
    try {
      const { asymmetricKeyType: type = '', asymmetricKeyDetails: details = {} } = createPublicKey(pem)
      if (!KEY_TYPES.includes(type)) return `is of type ${type}, and must be one of ${KEY_TYPES.join(', ')}`
      if (type === 'rsa' && (details.modulusLength ?? 0) < 2048)
        return `has ${details.modulusLength} bits, and needs at least 2048`
      if (type === 'ec' && !CURVES.includes(details.namedCurve ?? ''))
        return `is on the curve ${details.namedCurve}, and must be on one of ${CURVES.join(', ')}`
      return { value: pem }
    } catch (error) {
      return `cannot be read (${(error as Error).message})`
    }
  })
}
