import type { Engine } from '../engine/engine.ts'
import { isTemporary } from '../lifecycle/faults.ts'
import { type Channel, idOfChannel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import { type PresenceSnapshot, PresenceView } from './presence-view.ts'

/** How long a user may be away before it counts as leaving, in milliseconds: a page is loaded again in that time. */
export const LEAVE_PAUSE = 3000

/** What this process knows of one room. */
interface Room {
  /** Connections of each user here; 0 while one is leaving. */
  readonly here: Map<string, number>
  /** Users who have no connection here any more, and when that is told. */
  readonly leaving: Map<string, NodeJS.Timeout>
  /** Users whose number is to be stated. */
  readonly changed: Set<string>
  /** Statements are made until there is nothing to state. */
  stating: Promise<void> | undefined
  /** The statement under way or about to be made. */
  statement: Promise<void> | undefined
  /** Made when somebody wants to see who is there. */
  view: PresenceView | undefined
}

/** A subscription to a room whose connection wants to see who is there. */
export interface Watcher {
  readonly channel: Channel
  readonly connection: Connection
  /** True once the connection no longer hears the room by it. */
  readonly hasLeft: boolean
}

/**
 * Who is in the rooms, as far as this process has them: states it to the engine, and lets those watch who want to. A user is there once,
 * however many tabs they have; one who comes back within three seconds has never been away.
 */
export class RoomPresence {
  readonly #engine: Pick<Engine, 'broker' | 'presence'>
  readonly #report: (error: unknown) => void
  readonly #rooms = new Map<string, Room>()

  /** `report`: hears of faults that nobody else hears of. */
  constructor(engine: Pick<Engine, 'broker' | 'presence'>, report: (error: unknown) => void) {
    this.#engine = engine
    this.#report = report
    engine.broker.onRestored(() => {
      for (const { view } of this.#rooms.values()) view?.forget()
    })
  }

  /** A connection has come into a room. */
  enter(name: string, { user }: Connection): void {
    if (user === undefined) return
    const room = this.#room(name)
    clearTimeout(room.leaving.get(user))
    room.leaving.delete(user)
    room.here.set(user, (room.here.get(user) ?? 0) + 1)
    this.#state(name, room, user)
  }

  /** A connection has left a room, and no longer watches it. */
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
        const tell = (): void => {
          room.leaving.delete(user)
          this.#state(name, room, user)
        }
        room.leaving.set(user, setTimeout(tell, LEAVE_PAUSE).unref())
      }
    }
    this.#forget(name, room)
  }

  /**
   * Lets a subscription of a room watch it; resolves to who is there now, itself included. What changes from then on is sent to its connection.
   * Resolves to undefined if the subscription has left by then. Rejects with the engine's error; in neither case does the connection watch.
   */
  async watch(subscription: Watcher): Promise<PresenceSnapshot | undefined> {
    const { connection } = subscription
    const name = idOfChannel(subscription.channel)
    // The one who asks is in the statement under way or in the next; those who keep coming are not waited for.
    for (let statements = 0; statements < 2; statements++) await this.#rooms.get(name)?.statement
    // Nobody would take it out again.
    if (subscription.hasLeft) return undefined
    const room = this.#room(name)
    room.view ??= new PresenceView(name, this.#engine)
    try {
      return await room.view.add(connection)
    } catch (error) {
      this.unwatch(name, connection)
      throw error
    }
  }

  /** A connection is no longer sent who comes and goes. */
  unwatch(name: string, connection: Connection): void {
    const room = this.#rooms.get(name)
    room?.view?.remove(connection)
    if (room !== undefined) this.#forget(name, room)
  }

  /** Nothing is stated any more. */
  stop(): void {
    for (const { leaving } of this.#rooms.values()) for (const timer of leaving.values()) clearTimeout(timer)
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

  /** Those who come and go in one turn of the event loop share one call. */
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
    // One who is leaving is stated when that is told.
    const users = [...room.changed].filter((user) => !room.leaving.has(user))
    const people = new Map(users.map((user) => [user, room.here.get(user) ?? 0]))
    room.changed.clear()
    for (const [user, connections] of people) if (connections === 0) room.here.delete(user)
    // The engine remembers what could not be stated, and states it when the store is back.
    if (people.size === 0) return
    await this.#engine.presence.state(name, people).catch((error: unknown) => {
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
