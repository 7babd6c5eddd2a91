import { createPublicKey } from 'node:crypto'
import jwt, { type JWT, type Secret } from '@fastify/jwt'
import type { Algorithm } from 'fast-jwt'
import { fastify } from 'fastify'
import { ServiceError } from '../../core/model/errors.ts'

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
  const remote = keys.jwksUrl === undefined ? undefined : await createRemote(keys.jwksUrl)
  const [first] = local
  return {
    check: (token) => checkWithEach(token, local, remote),
    sign: keys.jwtSecrets.length > 0 ? (claims) => first!.sign(claims, { algorithm: 'HS256' }) : undefined,
  }
}

/** Loaded when it is wanted: most have a secret, and a start should be short. */
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
