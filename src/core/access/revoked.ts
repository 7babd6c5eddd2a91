import type { Engine } from '../engine/engine.ts'
import { ServiceError } from '../model/errors.ts'
import type { BrowserClaims } from './claims.ts'

/** Rejects with `token_revoked` if the user's tokens up to this one have been revoked, or with the engine's error. */
export async function refuseRevoked(
  { revocations }: Pick<Engine, 'revocations'>,
  claims: BrowserClaims,
): Promise<void> {
  refuseUntil(claims, await revocations.revokedUntil(claims.user))
}

/** Throws `token_revoked` if the token was issued at or before `revokedUntil` (seconds since the epoch). */
export function refuseUntil({ issuedAt }: BrowserClaims, revokedUntil: number): void {
  if (Math.floor(issuedAt) <= revokedUntil)
    throw new ServiceError('token_revoked', 'the token was issued before its user was disconnected')
}
