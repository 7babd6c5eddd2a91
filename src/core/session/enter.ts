import { refuseUntil } from '../access/revoked.ts'
import type { Hub } from '../delivery/hub.ts'
import type { Subscription } from '../delivery/subscription.ts'
import type { Engine } from '../engine/engine.ts'
import { type Channel, roomChannel } from '../model/channel.ts'
import { ServiceError } from '../model/errors.ts'
import type { Cursor } from '../model/position.ts'
import { mayHear, type RoomPolicy } from './grants.ts'
import { MembershipFollower } from './membership-follower.ts'
import type { TabSession } from './tab-session.ts'

/** The parts that `enter` works with. */
export interface EnterOptions {
  /** Asked again when changes may have been lost. */
  engine: Pick<Engine, 'revocations' | 'memberships'>
  hub: Hub
  policy: RoomPolicy
  /** The most rooms that a tab may subscribe to. */
  maxRooms: number
  /** Receives the errors that reach no caller. */
  report(error: unknown): void
}

/** The cursors of a tab on its channels when it connects. */
export interface ConnectCursors {
  user: Cursor
  rooms: Map<string, Cursor>
}

/** A channel that a tab hears, with the cursor to replay from; without one it hears it from now on. */
interface Start {
  subscription: Subscription
  cursor: Cursor | undefined
}

/** A tab that has been let in but not yet answered: it hears its channels, and buffers what they publish. */
export class Entrance {
  readonly #tab: TabSession
  readonly #follower: MembershipFollower
  readonly #starts: readonly Start[]
  readonly #refused: readonly Channel[]

  constructor(
    tab: TabSession,
    follower: MembershipFollower,
    starts: readonly Start[],
    refused: readonly Channel[],
  ) {
    this.#tab = tab
    this.#follower = follower
    this.#starts = starts
    this.#refused = refused
  }

  /** Replays and goes live, once the tab knows that it is connected. Resolves when every channel is live; rejects with the engine's error. */
  async open(): Promise<void> {
    this.#follower.open()
    for (const channel of this.#refused) this.#tab.sendUnsubscribed(channel, 'room_forbidden')
    for (const { subscription, cursor } of this.#starts) {
      if (cursor === undefined) await subscription.release(true)
      else await this.#tab.replay(() => subscription.replay(cursor))
    }
  }
}

/**
 * Subscribes a tab to its channels: everything that is published from then on reaches it. `cursors`: its cursors, if it sent any.
 * Rejects with a `token_…` error, with `too_many_rooms`, or with the engine's error.
 */
export async function enter(
  tab: TabSession,
  cursors: ConnectCursors | undefined,
  options: EnterOptions,
): Promise<Entrance> {
  const { hub, policy } = options
  const follower = new MembershipFollower(tab, options)
  tab.follow(follower)
  const starts: Start[] = []
  const join = async (channel: Channel, cursor: Cursor | undefined): Promise<void> => {
    starts.push({ subscription: await hub.join(tab, channel), cursor })
  }
  const { claims } = tab
  if (claims !== undefined) {
    const { subscription, arrival } = await hub.arrive(tab, claims.user)
    starts.push({ subscription, cursor: cursors?.user })
    // The tab hears its user's log already, so that a revocation is either found here or heard there.
    if (arrival === undefined) tab.close('engine')
    else {
      refuseUntil(claims, arrival.revokedUntil)
      tab.memberships.replace(arrival.memberships)
    }
  }
  const rooms = wantedRooms(tab, cursors, options)
  const allowed = [...rooms].filter(([room]) => mayHear(tab, room, policy))
  const refused = [...rooms.keys()].filter((room) => !mayHear(tab, room, policy)).map(roomChannel)
  await Promise.all(allowed.map(([room, cursor]) => join(roomChannel(room), cursor)))
  return new Entrance(tab, follower, starts, refused)
}

/**
 * The rooms that a tab goes on with, each with its cursor. With `since`, a room of `JOIN_ROOMS` or of a membership goes on from now, unless it
 * has a cursor there. Throws `too_many_rooms`. Memberships do not count, since they have a limit of their own; nor do rooms that nothing
 * grants, which are refused one by one, since a page may still keep its positions in rooms that its user has lost.
 */
function wantedRooms(
  tab: TabSession,
  cursors: ConnectCursors | undefined,
  { policy, maxRooms }: EnterOptions,
): Map<string, Cursor | undefined> {
  const fromNow = cursors && {}
  const rooms = new Map<string, Cursor | undefined>(policy.joinRooms.map((room) => [room, fromNow]))
  for (const [room, cursor] of cursors?.rooms ?? []) rooms.set(room, cursor)
  const { memberships } = tab
  const counted = [...rooms.keys()].filter((room) => !memberships.has(room) && mayHear(tab, room, policy))
  if (counted.length > maxRooms)
    throw new ServiceError(
      'too_many_rooms',
      `a connection may subscribe to ${maxRooms} rooms, those of JOIN_ROOMS included`,
    )
  for (const room of memberships.rooms) if (!rooms.has(room)) rooms.set(room, fromNow)
  return rooms
}
