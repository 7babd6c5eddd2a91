import type { Socket } from 'socket.io'
import type { BrowserClaims, TokenVerifier } from '../core/access/claims.ts'
import { refuseRevoked } from '../core/access/revoked.ts'
import type { Hub } from '../core/delivery/hub.ts'
import type { Subscription } from '../core/delivery/subscription.ts'
import type { Engine } from '../core/engine/engine.ts'
import { type Channel, roomChannel, userChannel } from '../core/model/channel.ts'
import { ServiceError } from '../core/model/errors.ts'
import type { Cursor } from '../core/model/position.ts'
import { mayHear, type RoomPolicy } from '../core/session/grants.ts'
import type { MembershipFollower } from '../core/session/membership-follower.ts'
import { type ConnectCursors, parseConnectCursors, parseToken } from './arguments.ts'
import type { TabConnection } from './tab-connection.ts'

export interface HandshakeOptions {
  engine: Engine
  hub: Hub
  verifier: TokenVerifier
  policy: RoomPolicy
  /** Whether a connection without a token is let in. */
  anonymous: boolean
  maxRooms: number
}

/** What a CONNECT asked for, once it is granted. */
export interface Session {
  connection: TabConnection
  /** To be opened once the CONNECT has been answered. */
  follower: MembershipFollower
  /** The channels that it hears from the start, each with the cursor to replay from; without one it goes on from now. */
  subscriptions: { subscription: Subscription; cursor: Cursor | undefined }[]
  /** Rooms that it wanted to go on with and may not hear. */
  refused: Channel[]
}

/** Reads and checks the token of a CONNECT; undefined for an anonymous connection. Rejects with a `token_…` error. */
export async function authenticate(
  socket: Socket,
  options: Pick<HandshakeOptions, 'verifier' | 'anonymous'>,
): Promise<BrowserClaims | undefined> {
  const { token } = socket.handshake.auth
  if (token !== undefined && token !== null) return options.verifier.browser(parseToken(token))
  if (options.anonymous) return undefined
  throw new ServiceError(
    'token_missing',
    'auth.token is missing: a page connects with io(url, { auth: { token } })',
  )
}

/**
 * Lets a connection hear its channels, before the CONNECT is answered: whatever is published from then on reaches it.
 * Rejects with a `token_…` error, or with the engine's.
 */
export async function enter(
  socket: Socket,
  connection: TabConnection,
  follower: MembershipFollower,
  options: HandshakeOptions,
): Promise<Session> {
  const { engine, hub, policy } = options
  const { claims } = connection
  const cursors = parseConnectCursors(socket.handshake.auth.since)
  const rooms = wantedRooms(cursors, policy)
  const session: Session = { connection, follower, subscriptions: [], refused: [] }
  const join = async (channel: Channel, cursor: Cursor | undefined): Promise<void> => {
    session.subscriptions.push({ subscription: await hub.join(connection, channel), cursor })
  }
  if (claims !== undefined) {
    await join(userChannel(claims.user), cursors?.user)
    // Asked after the user's log is heard: a revocation is either seen here or heard there.
    await Promise.all([refuseRevoked(engine, claims), follower.load()])
  }
  refuseTooMany([...rooms.keys()], connection, options)
  if (claims !== undefined) {
    // With `since`, those go on from now as well, unless it says from where.
    for (const room of connection.memberships.rooms) if (!rooms.has(room)) rooms.set(room, cursors && {})
  }
  await Promise.all(
    [...rooms].map(([room, cursor]) => {
      if (mayHear(connection, room, policy)) return join(roomChannel(room), cursor)
      session.refused.push(roomChannel(room))
      return undefined
    }),
  )
  return session
}

/**
 * Throws `too_many_rooms`. Memberships have a limit of their own, and rooms that nothing grants are refused one by one: a page may still keep
 * its places in rooms that its user has lost.
 */
function refuseTooMany(
  rooms: readonly string[],
  connection: TabConnection,
  { policy, maxRooms }: HandshakeOptions,
): void {
  const { memberships } = connection
  if (rooms.filter((room) => !memberships.has(room) && mayHear(connection, room, policy)).length > maxRooms)
    throw new ServiceError(
      'too_many_rooms',
      `a connection may subscribe to ${maxRooms} rooms, those of JOIN_ROOMS included`,
    )
}

function wantedRooms(
  cursors: ConnectCursors | undefined,
  policy: RoomPolicy,
): Map<string, Cursor | undefined> {
  // With `since`, a room that the connection joins by itself goes on from now unless it says from where.
  const rooms = new Map<string, Cursor | undefined>(policy.joinRooms.map((room) => [room, cursors && {}]))
  for (const [room, cursor] of cursors?.rooms ?? []) rooms.set(room, cursor)
  return rooms
}
