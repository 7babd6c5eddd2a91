import type { Engine } from '../engine/engine.ts'
import { isTemporary } from '../lifecycle/faults.ts'
import { type Channel, idOfChannel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import { type PresenceSnapshot, PresenceView } from './presence-view.ts'

/** The time for which a user may be away before it counts as leaving, in milliseconds: long enough to load a page again. */
export const LEAVE_PAUSE = 3000

/** The state of one room in this process. */
interface Room {
  /** Connections of each user here; 0 while one is leaving. */
  readonly here: Map<string, number>
  /** Users who have no connection here any more, with the timers that state it. */
  readonly leaving: Map<string, NodeJS.Timeout>
  /** Users whose number of connections is to be stated. */
  readonly changed: Set<string>
  /** Statements are made until there is nothing to state. */
  stating: Promise<void> | undefined
  /** The statement under way or about to be made. */
  statement: Promise<void> | undefined
  /** Created when a connection wants to see who is there. */
  view: PresenceView | undefined
}

/** A subscription to a room whose connection wants to see who is there. */
export interface Viewer {
  readonly channel: Channel
  readonly connection: Connection
  /** True once the connection no longer hears the room through it. */
  readonly hasLeft: boolean
}

/**
 * The users in the rooms, as far as they are connected to this process: states them to the engine, and shows them to the connections that want
 * to see them. A user is there once, however many tabs they have; one who comes back within three seconds has never been away.
 */
export class RoomPresence {
  readonly #engine: Pick<Engine, 'broker' | 'presence'>
  readonly #report: (error: unknown) => void
  readonly #rooms = new Map<string, Room>()

  /** `report`: receives the errors that reach no caller. */
  constructor(engine: Pick<Engine, 'broker' | 'presence'>, report: (error: unknown) => void) {
    this.#engine = engine
    this.#report = report
    engine.broker.onRestored(() => {
      for (const { view } of this.#rooms.values()) view?.forget()
    })
  }

  /** Notes that a connection has come into a room. */
  enter(name: string, { user }: Connection): void {
    if (user === undefined) return
    const room = this.#room(name)
    clearTimeout(room.leaving.get(user))
    room.leaving.delete(user)
    room.here.set(user, (room.here.get(user) ?? 0) + 1)
    this.#state(name, room, user)
  }

  /** Notes that a connection has left a room, and sends it no more changes. */
  leave(name: string, connection: Connection): void {
    const room = this.#rooms.get(name)
    if (room === undefined) return
    room.view?.remove(connection)
    const { user } = connection
    if (user !== undefined) {
      const left = room.here.get(user)! - 1
      room.here.set(user, left)
      if (left > 0) this.#state(name, room, user)
      else {
        const stateLeft = (): void => {
          room.leaving.delete(user)
          this.#state(name, room, user)
        }
        room.leaving.set(user, setTimeout(stateLeft, LEAVE_PAUSE).unref())
      }
    }
    this.#forget(name, room)
  }

  /**
   * Adds a viewer; resolves to the users who are there now, its own included. Changes from then on are sent to its connection.
   * Resolves to undefined if the subscription has left by then. Rejects with the engine's error. In neither case is the viewer added.
   */
  async addViewer(subscription: Viewer): Promise<PresenceSnapshot | undefined> {
    const { connection } = subscription
    const name = idOfChannel(subscription.channel)
    // The viewer's own user is in the statement under way or in the next; those who keep coming are not waited for.
    for (let statements = 0; statements < 2; statements++) await this.#rooms.get(name)?.statement
    // Nothing would remove it again.
    if (subscription.hasLeft) return undefined
    const room = this.#room(name)
    room.view ??= new PresenceView(name, this.#engine)
    try {
      return await room.view.add(connection)
    } catch (error) {
      this.#removeViewer(name, connection)
      throw error
    }
  }

  /** Drops the statements that users have left which are still to be made. */
  stop(): void {
    for (const { leaving } of this.#rooms.values()) for (const timer of leaving.values()) clearTimeout(timer)
  }

  #removeViewer(name: string, connection: Connection): void {
    const room = this.#rooms.get(name)
    room?.view?.remove(connection)
    if (room !== undefined) this.#forget(name, room)
  }

  #room(name: string): Room {
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = {
        here: new Map(),
        leaving: new Map(),
        changed: new Set(),
        stating: undefined,
        statement: undefined,
        view: undefined,
      }
      this.#rooms.set(name, room)
    }
    return room
  }

  /** Marks a user to be stated: all who come and go in one turn of the event loop share one call. */
  #state(name: string, room: Room, user: string): void {
    room.changed.add(user)
    room.stating ??= this.#stateSoon(name, room).finally(() => this.#forget(name, room))
  }

  async #stateSoon(name: string, room: Room): Promise<void> {
    while (room.changed.size > 0) {
      room.statement = this.#stateOnce(name, room)
      await room.statement
    }
    room.stating = room.statement = undefined
  }

  async #stateOnce(name: string, room: Room): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    // A user who is leaving is stated when the pause is over.
    const users = [...room.changed].filter((user) => !room.leaving.has(user))
    const stated = new Map(users.map((user) => [user, room.here.get(user) ?? 0]))
    room.changed.clear()
    for (const [user, connections] of stated) if (connections === 0) room.here.delete(user)
    // The engine remembers a statement that fails, and makes it when the store is back.
    if (stated.size === 0) return
    await this.#engine.presence.state(name, stated).catch((error: unknown) => {
      if (!isTemporary(error)) this.#report(error)
    })
  }

  #forget(name: string, room: Room): void {
    if (room.view?.isEmpty) {
      room.view.close()
      room.view = undefined
    }
    const isIdle = room.here.size === 0 && room.stating === undefined && room.view === undefined
    if (isIdle && this.#rooms.get(name) === room) this.#rooms.delete(name)
  }
}
