import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { ServiceError } from '../../core/model/errors.ts'

/** How long the key set may take to come, in milliseconds. */
const JWKS_PATIENCE = 1500

/** With a key set the token names its key, so only algorithms of public keys may be among these. */
const PUBLIC_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

/** Checks tokens with the key set that is published at a URL, and fetched again when a token names a key that is not in it. */
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
