import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ServiceError } from '../../core/model/errors.ts'

/** The longest that fetching the key set may take, in milliseconds. */
const JWKS_PATIENCE = 1500

/** With a key set the token names its key, so only algorithms of public keys are allowed (RFC 8725 §3.1). */
const PUBLIC_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/**
 * Makes the check with the key set that is published at a URL (JWKS, RFC 7517); it is fetched again when a token names a key that is not in
 * it. The check resolves to the claims, and rejects with `token_expired`, `token_invalid` or `keys_unavailable`.
 */
export function createJwksCheck(url: string): (token: string) => Promise<JWTPayload> {
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

/** Tries a token that does not name its key with every key that fits. */
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

/** The codes of errors on the way to the keys, which say nothing about the token. */
const UNAVAILABLE: unknown[] = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID']

function translate(error: unknown): ServiceError {
  if (error instanceof errors.JWTExpired) return new ServiceError('token_expired', 'The token has expired.')
  if (error instanceof errors.JOSEError && !UNAVAILABLE.includes(error.code))
    return new ServiceError('token_invalid', error.message)
  return new ServiceError('keys_unavailable', 'the key set of JWKS_URL cannot be fetched', { cause: error })
}
