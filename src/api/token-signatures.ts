import { createPublicKey } from 'node:crypto'
import jwt, { type JWT, type Secret } from '@fastify/jwt'
import type { Algorithm } from 'fast-jwt'
import { fastify } from 'fastify'
import { createRemoteJWKSet, errors, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ServiceError } from '../core/errors.ts'

/** What tokens are checked with; each of the lists may have several keys, for a rotation. */
export interface TokenKeys {
  /** HS256, at least 32 bytes each. */
  jwtSecrets: readonly string[]
  /** PEM. */
  jwtPublicKeys: readonly string[]
  jwksUrl: string | undefined
}

export type Claims = Record<string, unknown>

/** Checks signature and times of a token. Rejects with `token_expired`, `token_invalid` or `keys_unavailable`. */
export type SignatureCheck = (token: string) => Promise<Claims>

/** How long the key set may take to come, in milliseconds. */
const JWKS_PATIENCE = 1500

/** With a key set the token names its key, so only algorithms of public keys may be among these. */
const PUBLIC_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** The keys at work: one check for all of them, and the first secret to sign with. */
export interface Signatures {
  check: SignatureCheck
  /** Undefined without a secret, since whoever only checks tokens can't make them. */
  sign: ((claims: object) => string) | undefined
}

/**
 * Sets the keys up with @fastify/jwt, each pinned to the algorithms that it is made for, whatever a token's header asks for.
 *
 * The plugin keeps its keys on a Fastify instance, under one name each; the sockets check tokens as well, so the instance is one of its own
 * that serves nothing.
 */
export async function createSignatures(keys: TokenKeys): Promise<Signatures> {
  const holder = fastify()
  const local: JWT[] = []
  const add = async (secret: string | { public: string }, algorithms: Algorithm[]): Promise<void> => {
    const namespace = `key${local.length}`
    // Its types want a private key too, which whoever only checks does not have.
    await holder.register(jwt, { namespace, secret: secret as Secret & string, verify: { algorithms } })
    local.push((holder.jwt as unknown as Record<string, JWT>)[namespace]!)
  }
  for (const secret of keys.jwtSecrets) await add(secret, ['HS256'])
  for (const pem of keys.jwtPublicKeys) await add({ public: pem }, algorithmsOf(pem))
  const remote = keys.jwksUrl === undefined ? undefined : createJwksCheck(keys.jwksUrl)
  const [first] = local
  return {
    check: (token) => checkWithEach(token, local, remote),
    sign: keys.jwtSecrets.length > 0 ? (claims) => first!.sign(claims, { algorithm: 'HS256' }) : undefined,
  }
}

async function checkWithEach(token: string, local: readonly JWT[], remote?: SignatureCheck): Promise<Claims> {
  let reason = 'no key is configured'
  for (const key of local) {
    try {
      return key.verify<Claims>(token)
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      // It is said only of a token whose signature was good.
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
  throw new Error(`a public key of type ${asymmetricKeyType} can not check tokens`)
}

function createJwksCheck(url: string): SignatureCheck {
  const keySet = createRemoteJWKSet(new URL(url), { timeoutDuration: JWKS_PATIENCE })
  const options: JWTVerifyOptions = { algorithms: PUBLIC_ALGORITHMS }
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keySet, options).catch((error) =>
        verifyWithEach(token, error, options),
      )
      return payload
    } catch (error) {
      throw translate(error)
    }
  }
}

/** A token that does not name its key is tried with every key that fits. */
async function verifyWithEach(token: string, error: unknown, options: JWTVerifyOptions) {
  if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
  for await (const key of error) {
    try {
      return await jwtVerify(token, key, options)
    } catch (failed) {
      if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** Whatever went wrong on the way to the keys says nothing about the token. */
const UNAVAILABLE: unknown[] = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']

function translate(error: unknown): ServiceError {
  if (error instanceof errors.JWTExpired) return new ServiceError('token_expired', 'The token has expired.')
  if (error instanceof errors.JOSEError && !UNAVAILABLE.includes(error.code))
    return new ServiceError('token_invalid', error.message)
  return new ServiceError('keys_unavailable', 'the key set of JWKS_URL can not be fetched', { cause: error })
}
