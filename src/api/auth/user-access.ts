import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import type { TokenVerifier } from '../../core/access/claims.ts'
import { refuseRevoked } from '../../core/access/revoked.ts'
import type { Engine } from '../../core/engine/engine.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { bearerOf } from './credentials.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The user of the browser token that was sent, on the routes for tabs. */
    tabUser: string
  }
}

/** Makes the hook that lets only the holders of a browser token through, as at a Socket.IO CONNECT; others are answered with 401. */
export function createUserAccess(
  engine: Pick<Engine, 'revocations'>,
  verifier: TokenVerifier,
): onRequestAsyncHookHandler {
  return async (request: FastifyRequest) => {
    const { authorization } = request.headers
    if (authorization === undefined)
      throw new ServiceError('token_missing', 'send the header Authorization: Bearer <token of the user>')
    const token = bearerOf(authorization)
    if (token === undefined)
      throw new ServiceError('token_invalid', 'the Authorization header must be: Bearer <token of the user>')
    const claims = await verifier.browser(token)
    await refuseRevoked(engine, claims)
    request.tabUser = claims.user
  }
}
