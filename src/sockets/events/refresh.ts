import type { TokenVerifier } from '../../core/access/claims.ts'
import { refuseRevoked } from '../../core/access/revoked.ts'
import type { Hub } from '../../core/delivery/hub.ts'
import type { Engine } from '../../core/engine/engine.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { leaveForbiddenRooms, type RoomPolicy } from '../../core/session/grants.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import { parseToken } from './arguments.ts'
import type { Handler } from './handler.ts'

/** The parts that a tab needs to go on with a new token. */
export interface RefreshOptions {
  engine: Pick<Engine, 'revocations'>
  hub: Hub
  verifier: TokenVerifier
  policy: RoomPolicy
}

/** The handler of `refresh`: the tab goes on with a new token of the same user, and leaves the rooms that it no longer grants. */
export function refreshHandler(
  tab: TabSession,
  { engine, hub, verifier, policy }: RefreshOptions,
): Handler<'refresh'> {
  return async ([token]) => {
    const claims = await verifier.browser(parseToken(token))
    if (claims.user !== tab.user)
      throw new ServiceError('token_invalid', 'the token is for another user than the connection')
    await refuseRevoked(engine, claims)
    tab.claims = claims
    leaveForbiddenRooms(tab, hub, policy, 'room_forbidden')
    return { answer: { expiresAt: new Date(claims.expiresAt * 1000).toISOString() } }
  }
}
