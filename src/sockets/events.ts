import type { Socket } from 'socket.io'
import type { TokenVerifier } from '../core/access/claims.ts'
import { refuseRevoked } from '../core/access/revoked.ts'
import type { Hub } from '../core/delivery/hub.ts'
import type { Engine } from '../core/engine/engine.ts'
import { parseExact } from '../core/json/exact-json.ts'
import { idOfChannel, isUserChannel, roomChannel } from '../core/model/channel.ts'
import { ServiceError } from '../core/model/errors.ts'
import { payloadTextOf } from '../core/model/publication.ts'
import type { PresenceSnapshot } from '../core/presence/presence-view.ts'
import { leaveForbiddenRooms, mayHear, type RoomPolicy } from '../core/session/grants.ts'
import { type InitialState, readInitialState } from '../core/session/initial-state.ts'
import { parseRoom, parseSubscribeOptions, parseToken, type SubscribeOptions } from './arguments.ts'
import { EventQueue } from './event-queue.ts'
import { type InboxEventOptions, inboxHandlers } from './inbox-events.ts'
import { type SpeakingOptions, speaker } from './speaking.ts'
import type { TabConnection } from './tab-connection.ts'
import { WaitingAck } from './waiting-ack.ts'

export interface EventOptions extends InboxEventOptions, SpeakingOptions {
  engine: Engine
  verifier: TokenVerifier
  policy: RoomPolicy
  maxRooms: number
  /** Bytes that may wait for one connection, or for its events to be worked on, before it is closed. */
  maxBacklog: number
  /** Is told of errors that a tab can't have caused. */
  report(error: unknown): void
}

type Acknowledge = (answer: object) => void
/** `askedAt`: when the event came, by `performance.now()`. */
type Handler = (
  args: unknown[],
  askedAt: number,
) => Promise<{ answer: object; afterwards?: () => Promise<void> }>

/** How many events a second a connection is worked on for, besides those by which it speaks. */
const EVENTS_PER_SECOND = 100

/** How much of a name that is not known is said again. */
const MAX_ECHO = 100

/** Hangs the events of the contract on a connected socket. Each answers `{ok: true, …}` or `{ok: false, error: {code, …}}`. */
export function handleEvents(socket: Socket, connection: TabConnection, options: EventOptions): void {
  const handlers: Record<string, Handler> = {
    subscribe: ([room, settings]) =>
      subscribe(connection, parseRoom(room), parseSubscribeOptions(settings), options),
    unsubscribe: async ([room]) => {
      const name = parseRoom(room)
      connection.memberships.leave(name)
      options.hub.leave(connection, roomChannel(name))
      return { answer: {} }
    },
    refresh: ([token]) => refresh(connection, parseToken(token), options),
  }
  const publish = speaker(connection, options)
  for (const [event, answer] of Object.entries({ ...inboxHandlers(connection, options), publish }))
    handlers[event] = async (args, askedAt) => ({ answer: await answer(args, askedAt) })
  const { maxBacklog, maxMessages } = options
  const queue = new EventQueue(connection, { maxBytes: maxBacklog, rate: EVENTS_PER_SECOND + maxMessages })
  const acks = new WaitingAck()
  for (const [event, handler] of Object.entries(handlers))
    socket.on(event, (...args: unknown[]) => {
      if (event === 'ack' && acks.absorbs(args)) return
      const askedAt = performance.now()
      queue.add(args, async () => {
        acks.begun(args)
        if (socket.connected) await run(socket, event, (values) => handler(values, askedAt), args, options)
      })
    })

  // Socket.IO's parser lets a number pass as the name.
  socket.onAny((event: unknown, ...args: unknown[]) => {
    const text = String(event)
    const acknowledge = args.at(-1)
    // An embedding program may have handlers of its own for it. Socket.IO itself has one for `error`, which does nothing.
    const handlers = socket.listenerCount(text) - (text === 'error' ? 1 : 0)
    if (typeof acknowledge !== 'function' || handlers > 0) return
    const name = JSON.stringify(text.slice(0, MAX_ECHO))
    acknowledge(errorAnswer(new ServiceError('unknown_event', `the event ${name} is not known here`)))
  })
}

async function run(
  socket: Socket,
  event: string,
  handler: (values: unknown[]) => ReturnType<Handler>,
  args: unknown[],
  options: EventOptions,
): Promise<void> {
  const last = args.at(-1)
  const acknowledge: Acknowledge = typeof last === 'function' ? (last as Acknowledge) : () => undefined
  const values = typeof last === 'function' ? args.slice(0, -1) : args
  const fail = (error: unknown): ServiceError => {
    if (!(error instanceof ServiceError)) options.report(error)
    const told = error instanceof ServiceError ? error : new ServiceError('internal', `${event} failed`)
    // What passes by itself is tried again from the cursor; only what was to be said is known to nobody but the page.
    if (told.temporary && event !== 'publish') socket.conn.close()
    return told
  }
  try {
    const { answer, afterwards } = await handler(values)
    acknowledge({ ok: true, ...answer })
    // Not waited for: a long replay must not hold up the next event, which may end it.
    afterwards?.().catch(fail)
  } catch (error) {
    acknowledge(errorAnswer(fail(error)))
  }
}

function errorAnswer({ code, title, message, temporary }: ServiceError): object {
  return { ok: false, error: { code, title, detail: message, temporary } }
}

async function subscribe(
  connection: TabConnection,
  room: string,
  settings: SubscribeOptions,
  { engine, hub, verifier, policy, maxRooms }: EventOptions,
): ReturnType<Handler> {
  const channel = roomChannel(room)
  const { token } = settings
  if (token !== undefined) {
    const claims = await verifier.room(token)
    if (claims.user !== connection.claims?.user || claims.room !== room)
      throw new ServiceError('room_forbidden', 'the room token is for another user or another room')
    connection.roomTokens.set(room, claims)
  }
  if (!mayHear(connection, room, policy)) throw forbidden()
  refuseOneMore(connection, room, hub, maxRooms)
  connection.memberships.enter(room)

  const subscription = await hub.join(connection, channel)
  let state: InitialState
  let snapshot: PresenceSnapshot | undefined
  try {
    state = await readInitialState(engine.broker, channel, settings, subscription.position)
    if (settings.presence) snapshot = await hub.presence.watch(subscription)
    // A membership may have ended meanwhile, even if there is another one by now: what came in between is not for this tab.
    if (subscription.hasLeft || !mayHear(connection, room, policy)) throw forbidden()
  } catch (error) {
    if (!subscription.hasLeft) hub.leave(connection, channel)
    throw error
  }
  subscription.moveTo(state.position)
  return {
    answer: {
      ...state.position,
      // Content is passed on as it was sent, digit for digit.
      messages: state.publications.map((publication) => parseExact(payloadTextOf(publication))),
      ...(state.gap === undefined ? {} : { gap: state.gap }),
      ...snapshot,
    },
    // A room that is complete does not wait for the replays of others.
    afterwards: () =>
      state.complete ? subscription.release(true) : connection.replay(() => subscription.release(false)),
  }
}

/** The same whether the room exists or not. */
const forbidden = (): ServiceError =>
  new ServiceError(
    'room_forbidden',
    'neither the token nor the configuration nor a membership grants this room',
  )

/** Throws `too_many_rooms` if the connection has subscribed to as many as it may. Memberships have a limit of their own. */
function refuseOneMore(connection: TabConnection, room: string, hub: Hub, maxRooms: number): void {
  const { memberships } = connection
  if (memberships.has(room)) return
  const others = hub
    .channelsOf(connection)
    .filter((channel) => !isUserChannel(channel) && channel !== roomChannel(room))
    .filter((channel) => !memberships.has(idOfChannel(channel)))
  if (others.length >= maxRooms)
    throw new ServiceError('too_many_rooms', `a connection may subscribe to ${maxRooms} rooms`)
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
