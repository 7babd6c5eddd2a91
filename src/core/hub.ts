import type { Address, Audience } from './carried.ts'
import { type Channel, idOfChannel, isUserChannel } from './channel.ts'
import type { Connection } from './connection.ts'
import type { Engine } from './engine.ts'
import { Feed } from './feed.ts'
import { Member } from './member.ts'
import type { Publication } from './publication.ts'
import { RoomPeople } from './room-people.ts'
import { Slices } from './slices.ts'
import { backoff } from './timing.ts'

/** How often every channel is announced and compared with the log, in milliseconds. */
const CHECK_INTERVAL = 30_000

/** How many channels are checked at once, so that a check of thousands does not crowd out the posts. */
const CHECKS_AT_ONCE = 256

/** A check that failed is repeated after the longest pause. */
const RECHECK_ATTEMPT = 4

/** More carried events than this do not wait for those before them: nobody reads them up later, so they are lost. */
export const MAX_CARRIED = 1000

/** What the hub has done and has at hand, for the metrics. */
export interface HubCounts {
  connections: number
  channels: number
  repairs: number
}

/**
 * The one way out: who is here, and which channels they hear. It owns one feed per channel that has somebody in this process.
 */
export class Hub {
  /** Who is in the rooms. */
  readonly people: RoomPeople
  readonly #engine: Engine
  readonly #feeds = new Map<Channel, Feed>()
  readonly #members = new Map<Connection, Map<Channel, Member>>()
  readonly #byId = new Map<string, Connection>()
  readonly #carrying = new Slices<Member>()
  readonly #timer: NodeJS.Timeout
  #checking: Promise<void> | undefined
  #checkAgain = false
  #repairs = 0

  constructor(engine: Engine) {
    this.#engine = engine
    this.people = new RoomPeople(engine)
    this.#timer = setInterval(() => this.#checkAll(), CHECK_INTERVAL).unref()
    engine.broker.onRestored(() => this.#checkAll())
  }

  get counts(): HubCounts {
    return { connections: this.#members.size, channels: this.#feeds.size, repairs: this.#repairs }
  }

  /** Takes a connection in; it hears nothing yet. */
  open(connection: Connection): void {
    this.#members.set(connection, new Map())
    this.#byId.set(connection.id, connection)
  }

  /**
   * Lets a connection hear a channel. The member that it resolves to holds everything back until it is told to go live or to replay.
   * Rejects with the engine's error, and the connection is then not a member.
   */
  async join(connection: Connection, channel: Channel): Promise<Member> {
    const joined = this.#members.get(connection)
    const member = new Member(channel, connection, this.#engine.broker)
    if (joined === undefined) {
      // A connection that has closed in the meantime is brought nowhere.
      member.leave()
      return member
    }
    this.leave(connection, channel)
    joined.set(channel, member)
    if (!isUserChannel(channel)) this.people.enter(idOfChannel(channel), connection)
    let feed = this.#feeds.get(channel)
    if (feed === undefined) {
      feed = new Feed(channel, this.#engine, () => this.#repairs++)
      this.#feeds.set(channel, feed)
    }
    try {
      await feed.join(member)
    } catch (error) {
      if (joined.get(channel) === member) this.leave(connection, channel)
      throw error
    }
    return member
  }

  /** The channels that a connection hears. */
  channelsOf(connection: Connection): Channel[] {
    return [...(this.#members.get(connection)?.keys() ?? [])]
  }

  /** What a connection is on a channel; undefined if it does not hear it. */
  memberOf(connection: Connection, channel: Channel): Member | undefined {
    return this.#members.get(connection)?.get(channel)
  }

  /** Lets a connection no longer hear a channel; answers whether it did. */
  leave(connection: Connection, channel: Channel): boolean {
    const joined = this.#members.get(connection)
    const member = joined?.get(channel)
    if (joined === undefined || member === undefined) return false
    joined.delete(channel)
    member.leave()
    if (!isUserChannel(channel)) this.people.leave(idOfChannel(channel), connection)
    const feed = this.#feeds.get(channel)
    feed?.leave(member)
    if (feed?.members.size === 0) {
      this.#feeds.delete(channel)
      feed.close()
    }
    return true
  }

  /** Lets a connection go. */
  close(connection: Connection): void {
    for (const channel of this.channelsOf(connection)) this.leave(connection, channel)
    this.#members.delete(connection)
    this.#byId.delete(connection.id)
  }

  /**
   * Tells the tabs of this process something that is not stored. A tab that is still entering is told when it has.
   * Answers false if it was dropped, because thousands are still being told of what came before.
   */
  carry(publication: Publication, { to, except = [] }: Audience): boolean {
    if (this.#carrying.waiting >= MAX_CARRIED) return false
    const leftOut = new Set(
      except.flatMap((address) => this.#at(address)).map(({ connection }) => connection),
    )
    const chosen = new Map<Connection, Member>()
    const found = to?.flatMap((address) => this.#at(address)) ?? this.#everybody()
    for (const member of found) if (!leftOut.has(member.connection)) chosen.set(member.connection, member)
    this.#carrying.forEach(new Set(chosen.values()), (member) => {
      // It may have left before its slice came.
      if (this.#members.get(member.connection)?.get(member.channel) === member)
        member.receive(publication, member.position)
    })
    return true
  }

  #at(address: Address): Member[] {
    if (!address.startsWith('connection:')) return [...(this.#feeds.get(address as Channel)?.members ?? [])]
    const connection = this.#byId.get(address.slice('connection:'.length))
    return connection === undefined ? [] : firstOf(this.#members.get(connection))
  }

  #everybody(): Member[] {
    return [...this.#members.values()].flatMap(firstOf)
  }

  /** Stops the checks. Connections are closed by those who opened them. */
  stop(): void {
    clearInterval(this.#timer)
    this.people.stop()
  }

  /** Checks every channel now, and once more if a reason came up meanwhile. */
  #checkAll(): void {
    if (this.#checking !== undefined) {
      this.#checkAgain = true
      return
    }
    this.#checking = this.#check().finally(() => {
      this.#checking = undefined
      if (this.#checkAgain) {
        this.#checkAgain = false
        this.#checkAll()
      }
    })
  }

  /** One slow repair must not hold up the checks of the others, so each takes the next channel as soon as it is done. */
  async #check(): Promise<void> {
    const feeds = [...this.#feeds.values()]
    let next = 0
    let failed = false
    const checkOneByOne = async (): Promise<void> => {
      while (next < feeds.length && !failed)
        await feeds[next++]!.check().catch(() => {
          failed = true
        })
    }
    await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, checkOneByOne))
    if (!failed) return
    // The engine is away again. What was missed must not wait for the next round.
    this.#checkAgain = true
    await backoff(RECHECK_ATTEMPT)
  }
}

/** A connection may hear several channels, and is told once. */
const firstOf = (joined: ReadonlyMap<Channel, Member> | undefined): Member[] =>
  [...(joined?.values() ?? [])].slice(0, 1)
