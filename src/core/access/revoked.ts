import type { Engine } from '../engine/engine.ts'
import { ServiceError } from '../model/errors.ts'
import type { BrowserClaims } from './claims.ts'

/** Rejects with `token_revoked` if the user's tokens up to this one have been revoked, or with the engine's error. */
export async function refuseRevoked(
  { revocations }: Pick<Engine, 'revocations'>,
  { user, issuedAt }: BrowserClaims,
): Promise<void> {
  if (Math.floor(issuedAt) <= (await revocations.revokedUntil(user)))
    throw new ServiceError('token_revoked', 'the token was issued before its user was disconnected')
}
