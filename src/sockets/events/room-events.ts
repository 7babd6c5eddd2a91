import type { TokenVerifier } from '../../core/access/claims.ts'
import type { Hub } from '../../core/delivery/hub.ts'
import type { Subscription } from '../../core/delivery/subscription.ts'
import type { Engine } from '../../core/engine/engine.ts'
import { parseExact } from '../../core/json/exact-json.ts'
import { idOfChannel, isUserChannel, roomChannel } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { MessagePayload, SubscribeOptions, TabEvents } from '../../core/model/events.ts'
import { payloadTextOf } from '../../core/model/publication.ts'
import type { PresenceSnapshot } from '../../core/presence/presence-view.ts'
import { mayHear, type RoomPolicy } from '../../core/session/grants.ts'
import { type InitialState, readInitialState } from '../../core/session/initial-state.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import { parseRoom, parseSubscribeOptions } from './arguments.ts'
import type { Handler } from './handler.ts'

/** The parts and limits of subscriptions to rooms. */
export interface RoomEventOptions {
  engine: Pick<Engine, 'broker'>
  hub: Hub
  verifier: TokenVerifier
  policy: RoomPolicy
  /** The most rooms that a tab may subscribe to. */
  maxRooms: number
}

/** The handlers of `subscribe` and `unsubscribe`. */
export function roomHandlers(
  tab: TabSession,
  options: RoomEventOptions,
): { subscribe: Handler<'subscribe'>; unsubscribe: Handler<'unsubscribe'> } {
  return {
    subscribe: ([room, settings]) =>
      subscribe(tab, parseRoom(room), parseSubscribeOptions(settings), options),
    unsubscribe: async ([room]) => {
      const name = parseRoom(room)
      tab.memberships.leave(name)
      options.hub.leave(tab, roomChannel(name))
      return { answer: {} }
    },
  }
}

async function subscribe(
  tab: TabSession,
  room: string,
  settings: SubscribeOptions,
  options: RoomEventOptions,
): ReturnType<Handler<'subscribe'>> {
  const { hub, policy } = options
  const channel = roomChannel(room)
  if (settings.token !== undefined) await takeRoomToken(tab, room, settings.token, options)
  if (!mayHear(tab, room, policy)) throw forbidden()
  refuseOneMore(tab, room, options)
  tab.memberships.enter(room)
  const subscription = await hub.join(tab, channel)
  try {
    const [state, snapshot] = await readRoom(subscription, settings, options)
    // A membership may have ended meanwhile, even if there is another by now: messages in between are not for this tab.
    if (subscription.hasLeft || !mayHear(tab, room, policy)) throw forbidden()
    subscription.moveTo(state.position)
    return {
      answer: answerOf(state, snapshot),
      // A room that is complete does not wait for the replays of others.
      afterwards: () =>
        state.complete ? subscription.release(true) : tab.replay(() => subscription.release(false)),
    }
  } catch (error) {
    if (!subscription.hasLeft) hub.leave(tab, channel)
    throw error
  }
}

async function takeRoomToken(
  tab: TabSession,
  room: string,
  token: string,
  { verifier }: RoomEventOptions,
): Promise<void> {
  const claims = await verifier.room(token)
  if (claims.user !== tab.user || claims.room !== room)
    throw new ServiceError('room_forbidden', 'the room token is for another user or another room')
  tab.takeRoomToken(room, claims)
}

async function readRoom(
  subscription: Subscription,
  settings: SubscribeOptions,
  { engine, hub }: RoomEventOptions,
): Promise<[InitialState, PresenceSnapshot | undefined]> {
  const { channel, position } = subscription
  const state = await readInitialState(engine.broker, channel, settings, position)
  return [state, settings.presence ? await hub.presence.addViewer(subscription) : undefined]
}

function answerOf(
  { position, publications, gap }: InitialState,
  snapshot: PresenceSnapshot | undefined,
): TabEvents['subscribe']['answer'] {
  return {
    ...position,
    // Numbers are passed on as they were sent, digit for digit.
    messages: publications.map((publication) => parseExact(payloadTextOf(publication)) as MessagePayload),
    ...(gap === undefined ? {} : { gap }),
    ...snapshot,
  }
}

/** The same error whether the room exists or not. */
const forbidden = (): ServiceError =>
  new ServiceError(
    'room_forbidden',
    'neither the token nor the configuration nor a membership grants this room',
  )

/** Throws `too_many_rooms` if the tab has subscribed to as many as it may. Memberships have a limit of their own. */
function refuseOneMore(tab: TabSession, room: string, { hub, maxRooms }: RoomEventOptions): void {
  const { memberships } = tab
  if (memberships.has(room)) return
  const others = hub
    .channelsOf(tab)
    .filter((channel) => !isUserChannel(channel) && channel !== roomChannel(room))
    .filter((channel) => !memberships.has(idOfChannel(channel)))
  if (others.length >= maxRooms)
    throw new ServiceError('too_many_rooms', `a connection may subscribe to ${maxRooms} rooms`)
}
