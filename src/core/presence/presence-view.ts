import type { Engine } from '../engine/engine.ts'
import type { PresentUsers } from '../engine/presence.ts'
import { roomChannel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import type { PresenceChange } from '../model/events.ts'
import { MAX_LISTED_USERS } from '../model/limits.ts'
import { type Publication, payloadOf } from '../model/publication.ts'

/** Who is in a room, as a page is told. */
export interface PresenceSnapshot {
  /** So many at most; `count` says how many there are. */
  users: string[]
  count: number
}

/**
 * Who is in one room, for those of this process who want to see it. The store is asked once, not for each who looks: what changes is heard on the
 * room's bell. A count that does not fit shows that something was missed, and then the store is asked again.
 */
export class PresenceView {
  readonly #room: string
  readonly #engine: Pick<Engine, 'broker' | 'presence'>
  readonly #watching = new Set<Connection>()
  readonly #users = new Set<string>()
  #count = 0
  #loading: Promise<void> | undefined
  /** What was heard while the list was read; undefined when it is not being read. */
  #heard: PresenceChange[] | undefined
  #subscribed: Promise<void> | undefined

  constructor(room: string, engine: Pick<Engine, 'broker' | 'presence'>) {
    this.#room = room
    this.#engine = engine
  }

  /** True if nobody watches. */
  get isEmpty(): boolean {
    return this.#watching.size === 0
  }

  /** Sends a connection what changes from now on; resolves to who is there. Rejects with the engine's error. */
  async add(connection: Connection): Promise<PresenceSnapshot> {
    this.#watching.add(connection)
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

  /** A connection no longer watches. */
  remove(connection: Connection): void {
    this.#watching.delete(connection)
  }

  /** Hears nothing more. */
  close(): void {
    this.#engine.broker.unsubscribe(roomChannel(this.#room), this.#receive)
  }

  /** Changes may have been missed: the list is read again for the next who looks. */
  forget(): void {
    if (this.#heard === undefined) this.#loading = undefined
    // What is being read may be older than what was missed, and is read once more.
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
    for (const connection of this.#watching) connection.send(publication)
  }

  #apply({ user, action, count }: PresenceChange): void {
    if (action === 'leave') this.#users.delete(user)
    else if (this.#users.size < MAX_LISTED_USERS) this.#users.add(user)
    this.#count = count
    if (count <= MAX_LISTED_USERS && this.#users.size !== count) this.#loading = undefined
  }
}
