import type { Engine } from '../engine/engine.ts'
import type { PresentUsers } from '../engine/presence.ts'
import { roomChannel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import type { PresenceChange } from '../model/events.ts'
import { MAX_LISTED_USERS } from '../model/limits.ts'
import { type Publication, payloadOf } from '../model/publication.ts'

/** The users in a room, as a page receives them. */
export interface PresenceSnapshot {
  /** At most `MAX_LISTED_USERS`. */
  users: string[]
  /** The number of all users in the room. */
  count: number
}

/**
 * The users in one room, for the connections of this process that want to see them. The store is asked once, not for each connection: changes
 * come on the room's topic. A count that does not fit shows that a change was missed, and then the store is asked again.
 */
export class PresenceView {
  readonly #room: string
  readonly #engine: Pick<Engine, 'broker' | 'presence'>
  readonly #viewers = new Set<Connection>()
  readonly #users = new Set<string>()
  #count = 0
  #loading: Promise<void> | undefined
  /** The changes that came while the list was read; undefined when it is not being read. */
  #heard: PresenceChange[] | undefined
  #subscribed: Promise<void> | undefined

  constructor(room: string, engine: Pick<Engine, 'broker' | 'presence'>) {
    this.#room = room
    this.#engine = engine
  }

  /** True if no connection sees it. */
  get isEmpty(): boolean {
    return this.#viewers.size === 0
  }

  /** Sends a connection all changes from now on; resolves to the users who are there. Rejects with the engine's error. */
  async add(connection: Connection): Promise<PresenceSnapshot> {
    this.#viewers.add(connection)
    try {
      this.#subscribed ??= this.#engine.broker.subscribe(roomChannel(this.#room), this.#receive)
      await this.#subscribed
      this.#loading ??= this.#load()
      await this.#loading
    } catch (error) {
      this.#subscribed = this.#loading = this.#heard = undefined
      throw error
    }
    return { users: [...this.#users], count: this.#count }
  }

  /** Sends a connection no more changes. */
  remove(connection: Connection): void {
    this.#viewers.delete(connection)
  }

  /** Leaves the room's topic. */
  close(): void {
    this.#engine.broker.unsubscribe(roomChannel(this.#room), this.#receive)
  }

  /** Forgets the list, since changes may have been missed: it is read again for the next connection. */
  forget(): void {
    if (this.#heard === undefined) this.#loading = undefined
    // The list that is being read may be older than the missed changes, so it is read once more.
    else this.#heard = []
  }

  async #load(): Promise<void> {
    let heard: PresenceChange[]
    let found: PresentUsers
    do {
      heard = this.#heard = []
      found = await this.#engine.presence.list(this.#room, MAX_LISTED_USERS)
    } while (this.#heard !== heard)
    this.#users.clear()
    for (const { user } of found.users) this.#users.add(user)
    this.#count = found.count
    for (const change of heard) this.#apply(change)
    this.#heard = undefined
  }

  readonly #receive = (publication: Publication): void => {
    if (publication.event !== 'presence') return
    const change = payloadOf(publication) as unknown as PresenceChange
    if (this.#heard === undefined) this.#apply(change)
    else this.#heard.push(change)
    for (const connection of this.#viewers) connection.send(publication)
  }

  #apply({ user, action, count }: PresenceChange): void {
    if (action === 'leave') this.#users.delete(user)
    else if (this.#users.size < MAX_LISTED_USERS) this.#users.add(user)
    this.#count = count
    if (count <= MAX_LISTED_USERS && this.#users.size !== count) this.#loading = undefined
  }
}
