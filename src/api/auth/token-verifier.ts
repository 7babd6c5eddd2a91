import type { TokenVerifier } from '../../core/access/claims.ts'
import { SCOPES, type Scope } from '../../core/access/scopes.ts'
import { faultOfId } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Claims, SignatureCheck } from './token-signatures.ts'

/** The `aud` of a browser token (RFC 7519 §4.1.3). */
export const BROWSER_AUDIENCE = 'tabcast'
const ROOM_AUDIENCE = 'tabcast:room'
const SERVICE_AUDIENCE = 'tabcast:api'

/** The claims of a verified service token: which backend calls, and what it may do. */
export interface ServiceClaims {
  /** `sub`, or `iss` if there is none. */
  name: string
  scopes: ReadonlySet<Scope>
}

/** A verifier that also checks the tokens of backends. */
export interface ApiTokenVerifier extends TokenVerifier {
  /** Checks a service token, `aud: "tabcast:api"`. Rejects as the others do. */
  service(token: string): Promise<ServiceClaims>
}

/**
 * Makes the verifier, which checks every kind of token with the same keys; one for another audience is refused. It rejects with what `check`
 * rejects with, and with `token_invalid` for claims that are missing or wrong.
 */
export function createTokenVerifier(check: SignatureCheck): ApiTokenVerifier {
  return {
    async browser(token) {
      // An API key has no dot, a JWT has two.
      if (!token.includes('.'))
        throw invalid('this is not a JWT: send a token of the user, since an API key is for backends')
      const claims = await check(token)
      wantAudience(claims, BROWSER_AUDIENCE)
      return {
        user: idOf(claims, 'sub'),
        issuedAt: timeOf(claims, 'iat'),
        expiresAt: timeOf(claims, 'exp'),
        rooms: patternsOf(claims, 'rooms'),
        publish: patternsOf(claims, 'publish'),
      }
    },
    async room(token) {
      const claims = await check(token)
      wantAudience(claims, ROOM_AUDIENCE)
      const { publish = false } = claims
      if (typeof publish !== 'boolean') throw invalid('publish must be true or false')
      return {
        user: idOf(claims, 'sub'),
        room: idOf(claims, 'room'),
        expiresAt: timeOf(claims, 'exp'),
        publish,
      }
    },
    async service(token) {
      const claims = await check(token)
      wantAudience(claims, SERVICE_AUDIENCE)
      timeOf(claims, 'exp')
      const { sub, iss, scope = '' } = claims
      if (typeof scope !== 'string') throw invalid('scope must be a string of scopes, separated by spaces')
      const named = new Set(scope.split(' '))
      // A token may have scopes for other services too, which mean nothing here.
      return { name: String(sub ?? iss ?? ''), scopes: new Set(SCOPES.filter((known) => named.has(known))) }
    },
  }
}

const invalid = (detail: string): ServiceError => new ServiceError('token_invalid', detail)

function wantAudience({ aud }: Claims, wanted: string): void {
  if (aud === wanted || (Array.isArray(aud) && aud.includes(wanted))) return
  if (wanted === SERVICE_AUDIENCE && (aud === BROWSER_AUDIENCE || aud === ROOM_AUDIENCE))
    throw invalid(
      `a browser's token opens no backend route: send an API key, or a token with aud "${wanted}"`,
    )
  throw invalid(`aud must be "${wanted}"`)
}

function idOf(claims: Claims, name: string): string {
  const fault = faultOfId(claims[name])
  if (fault !== undefined) throw invalid(`${name} ${fault}`)
  return claims[name] as string
}

function timeOf(claims: Claims, name: string): number {
  const value = claims[name]
  // Above this no date exists (ECMA-262, Time Values).
  if (typeof value !== 'number' || !(Math.abs(value) <= 8.64e12))
    throw invalid(`${name} is required, in seconds since 1970`)
  return value
}

function patternsOf(claims: Claims, name: string): string[] {
  const { [name]: value = [] } = claims
  if (!Array.isArray(value) || value.some((pattern) => typeof pattern !== 'string'))
    throw invalid(`${name} must be an array of strings`)
  return value
}
