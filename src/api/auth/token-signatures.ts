import { createPublicKey } from 'node:crypto'
import jwt, { type JWT, type Secret } from '@fastify/jwt'
import type { Algorithm } from 'fast-jwt'
import { fastify } from 'fastify'
import { ServiceError } from '../../core/model/errors.ts'

/** The keys that tokens are checked with; each list may have several, for a rotation. */
export interface TokenKeys {
  /** For HS256, at least 32 bytes each; the first signs. */
  jwtSecrets: readonly string[]
  /** In PEM. */
  jwtPublicKeys: readonly string[]
  jwksUrl: string | undefined
}

/** The claims of a token whose signature is good (RFC 7519 §4). */
export type Claims = Record<string, unknown>

/** Checks signature and times of a token, and resolves to its claims. Rejects with `token_expired`, `token_invalid` or `keys_unavailable`. */
export type SignatureCheck = (token: string) => Promise<Claims>

/** One check for all keys, and the signing with the first secret. */
export interface Signatures {
  check: SignatureCheck
  /** Makes a token; undefined without a secret, since public keys can only check. */
  sign: ((claims: object) => string) | undefined
}

/**
 * Sets the keys up with @fastify/jwt, each pinned to the algorithms that it is made for, whatever a token's header asks for (RFC 8725 §3.1).
 * Rejects if a key is of a type that cannot check tokens.
 *
 * The plugin keeps its keys on a Fastify instance, under one name each. The sockets check tokens as well, so that instance is a separate one
 * that serves nothing.
 */
export async function createSignatures(keys: TokenKeys): Promise<Signatures> {
  const holder = fastify()
  const local: JWT[] = []
  const add = async (secret: string | { public: string }, algorithms: Algorithm[]): Promise<void> => {
    const namespace = `key${local.length}`
    // The plugin's types ask for a private key too, which is not there where tokens are only checked.
    await holder.register(jwt, { namespace, secret: secret as Secret & string, verify: { algorithms } })
    local.push((holder.jwt as unknown as Record<string, JWT>)[namespace]!)
  }
  for (const secret of keys.jwtSecrets) await add(secret, ['HS256'])
  for (const pem of keys.jwtPublicKeys) await add({ public: pem }, algorithmsOf(pem))
  const remote = keys.jwksUrl === undefined ? undefined : await createRemote(keys.jwksUrl)
  const [first] = local
  return {
    check: (token) => checkWithEach(token, local, remote),
    sign: keys.jwtSecrets.length > 0 ? (claims) => first!.sign(claims, { algorithm: 'HS256' }) : undefined,
  }
}

/** Loads the check only when it is needed: most installations have a secret, and a start should be short. */
async function createRemote(url: string): Promise<SignatureCheck> {
  const { createJwksCheck } = await import('./jwks-check.ts')
  return createJwksCheck(url)
}

async function checkWithEach(token: string, local: readonly JWT[], remote?: SignatureCheck): Promise<Claims> {
  let reason = 'no key is configured'
  for (const key of local) {
    try {
      return key.verify<Claims>(token)
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      // Only a token whose signature is good is called expired.
      if (code === 'FAST_JWT_EXPIRED') throw new ServiceError('token_expired', message)
      reason = message
    }
  }
  if (remote !== undefined) return remote(token)
  throw new ServiceError('token_invalid', reason)
}

const CURVES: Record<string, Algorithm> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }

function algorithmsOf(pem: string): Algorithm[] {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem)
  if (asymmetricKeyType === 'rsa') return ['RS256', 'RS384', 'RS512']
  if (asymmetricKeyType === 'ed25519') return ['EdDSA']
  const algorithm = CURVES[asymmetricKeyDetails?.namedCurve ?? '']
  if (asymmetricKeyType === 'ec' && algorithm !== undefined) return [algorithm]
  throw new Error(`a public key of type ${asymmetricKeyType} cannot check tokens`)
}
