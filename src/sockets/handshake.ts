import type { Socket } from 'socket.io'
import type { BrowserClaims, TokenVerifier } from '../core/access/claims.ts'
import { ServiceError } from '../core/model/errors.ts'
import { parseToken } from './events/arguments.ts'

/** The parts that tell whom a CONNECT is from. */
export interface AuthenticationOptions {
  verifier: TokenVerifier
  /** True if a connection without a token is let in. */
  anonymous: boolean
}

/** Reads and checks the token of a CONNECT; undefined for an anonymous connection. Rejects with a `token_…` error. */
export async function authenticate(
  socket: Socket,
  { verifier, anonymous }: AuthenticationOptions,
): Promise<BrowserClaims | undefined> {
  const { token } = socket.handshake.auth
  if (token !== undefined && token !== null) return verifier.browser(parseToken(token))
  if (anonymous) return undefined
  throw new ServiceError(
    'token_missing',
    'auth.token is missing: a page connects with io(url, { auth: { token } })',
  )
}

/**
 * Returns the answer to a CONNECT that failed; undefined if there must be none: after an answer a stock client stops for good, so a temporary
 * error must not be one.
 */
export function connectErrorOf(error: unknown): Error | undefined {
  if (!(error instanceof ServiceError) || error.temporary) return undefined
  const { message, code, title, help } = error
  return Object.assign(new Error(message), { data: { code, title, help } })
}
