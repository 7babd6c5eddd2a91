import type { Socket } from 'socket.io'
import { idOfChannel, isUserChannel, roomChannel } from '../core/channel.ts'
import type { TokenVerifier } from '../core/claims.ts'
import type { Engine, LogPage } from '../core/engine.ts'
import { ServiceError } from '../core/errors.ts'
import { parseExact } from '../core/exact-json.ts'
import type { Hub } from '../core/hub.ts'
import { payloadTextOf } from '../core/publication.ts'
import { parseRoom, parseSubscribeOptions, parseToken, type SubscribeOptions } from './arguments.ts'
import { mayHear, type RoomPolicy } from './grants.ts'
import { refuseRevoked } from './handshake.ts'
import type { TabConnection } from './tab-connection.ts'

export interface EventOptions {
  engine: Engine
  hub: Hub
  verifier: TokenVerifier
  policy: RoomPolicy
  maxRooms: number
  /** Is told of errors that a tab can't have caused. */
  report(error: unknown): void
}

type Acknowledge = (answer: object) => void
type Handler = (args: unknown[]) => Promise<{ answer: object; afterwards?: () => Promise<void> }>

/** The most bytes of messages that the answer to `subscribe` carries; the rest follows as `message`. */
const INITIAL_STATE_BYTES = 262_144

/** The most messages that it carries. */
const INITIAL_STATE_ENTRIES = 1000

/** Hangs the events of the contract on a connected socket. Each answers `{ok: true, …}` or `{ok: false, error: {code, …}}`. */
export function handleEvents(socket: Socket, connection: TabConnection, options: EventOptions): void {
  const handlers: Record<string, Handler> = {
    subscribe: ([room, settings]) =>
      subscribe(connection, parseRoom(room), parseSubscribeOptions(settings), options),
    unsubscribe: async ([room]) => {
      options.hub.leave(connection, roomChannel(parseRoom(room)))
      return { answer: {} }
    },
    refresh: ([token]) => refresh(connection, parseToken(token), options),
  }
  for (const [event, handler] of Object.entries(handlers))
    socket.on(event, (...args: unknown[]) => void run(socket, event, handler, args, options))

  socket.onAny((event: string, ...args: unknown[]) => {
    const acknowledge = args.at(-1)
    // An embedding program may have handlers of its own for it.
    if (typeof acknowledge !== 'function' || socket.listenerCount(event) > 0) return
    acknowledge(
      errorAnswer(new ServiceError('unknown_event', `the event ${JSON.stringify(event)} is not known here`)),
    )
  })
}

async function run(
  socket: Socket,
  event: string,
  handler: Handler,
  args: unknown[],
  options: EventOptions,
): Promise<void> {
  const last = args.at(-1)
  const acknowledge: Acknowledge = typeof last === 'function' ? (last as Acknowledge) : () => undefined
  const values = typeof last === 'function' ? args.slice(0, -1) : args
  try {
    const { answer, afterwards } = await handler(values)
    acknowledge({ ok: true, ...answer })
    await afterwards?.()
  } catch (error) {
    if (!(error instanceof ServiceError)) options.report(error)
    acknowledge(
      errorAnswer(error instanceof ServiceError ? error : new ServiceError('internal', `${event} failed`)),
    )
    // What passes by itself is tried again from the cursor.
    if (error instanceof ServiceError && error.temporary) socket.conn.close()
  }
}

function errorAnswer({ code, title, message, temporary }: ServiceError): object {
  return { ok: false, error: { code, title, detail: message, temporary } }
}

async function subscribe(
  connection: TabConnection,
  room: string,
  { since, last, token }: SubscribeOptions,
  { engine, hub, verifier, policy, maxRooms }: EventOptions,
): ReturnType<Handler> {
  const channel = roomChannel(room)
  if (token !== undefined) {
    const claims = await verifier.room(token)
    if (claims.user !== connection.claims?.user || claims.room !== room)
      throw new ServiceError('room_forbidden', 'the room token is for another user or another room')
    connection.roomTokens.set(room, claims.expiresAt)
  }
  if (!mayHear(connection, room, policy))
    throw new ServiceError('room_forbidden', 'neither the token nor the configuration grants this room')
  const rooms = hub.channelsOf(connection).filter((joined) => joined !== channel && !isUserChannel(joined))
  if (rooms.length >= maxRooms)
    throw new ServiceError('too_many_rooms', `a connection may subscribe to ${maxRooms} rooms`)

  const member = await hub.join(connection, channel)
  const { broker } = engine
  const limit = { entries: last ?? INITIAL_STATE_ENTRIES, bytes: INITIAL_STATE_BYTES }
  let page: LogPage | undefined
  try {
    if (since !== undefined) page = await broker.since(channel, since, limit)
    else if (last !== undefined && last > 0) page = await broker.latest(channel, undefined, limit)
  } catch (error) {
    hub.leave(connection, channel)
    throw error
  }
  const complete = since === undefined || page!.complete
  const position = page === undefined ? member.position : complete ? page.head : page.end
  member.moveTo(position)
  const answer = {
    ...position,
    // Content is passed on as it was sent, digit for digit.
    messages: (page?.publications ?? []).map((publication) => parseExact(payloadTextOf(publication))),
    ...(page?.gap === undefined ? {} : { gap: page.gap }),
  }
  return {
    answer,
    afterwards: async () => {
      await member.release(broker, complete)
      if (!complete) connection.sendPosition(channel, member.position)
    },
  }
}

async function refresh(
  connection: TabConnection,
  token: string,
  { engine, hub, verifier, policy }: EventOptions,
): ReturnType<Handler> {
  const claims = await verifier.browser(token)
  if (claims.user !== connection.claims?.user)
    throw new ServiceError('token_invalid', 'the token is for another user than the connection')
  await refuseRevoked(engine, claims)
  connection.claims = claims
  leaveForbiddenRooms(connection, hub, policy, 'room_forbidden')
  return { answer: { expiresAt: new Date(claims.expiresAt * 1000).toISOString() } }
}

/** Takes a connection out of the rooms that nothing grants it any longer, and tells it. */
export function leaveForbiddenRooms(
  connection: TabConnection,
  hub: Hub,
  policy: RoomPolicy,
  code: 'room_forbidden' | 'token_expired',
): void {
  for (const channel of hub.channelsOf(connection)) {
    if (isUserChannel(channel) || mayHear(connection, idOfChannel(channel), policy)) continue
    hub.leave(connection, channel)
    connection.sendUnsubscribed(channel, code)
  }
}
