import type { Arrival } from '../engine/arrivals.ts'
import type { Engine } from '../engine/engine.ts'
import { backoff } from '../lifecycle/backoff.ts'
import { isTemporary } from '../lifecycle/faults.ts'
import { type Channel, idOfChannel, isUserChannel, userChannel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import type { Publication } from '../model/publication.ts'
import { RoomPresence } from '../presence/room-presence.ts'
import { Announcements } from './announcements.ts'
import type { Address, Audience } from './ephemeral-event.ts'
import { Feed, type FeedOptions } from './feed.ts'
import { Slices } from './slices.ts'
import { Subscription } from './subscription.ts'

/** How often every channel is announced and compared with the log, in milliseconds. */
const CHECK_INTERVAL = 30_000

/** How many channels are checked at once, so that a check of thousands does not crowd out the posts. */
const CHECKS_AT_ONCE = 256

/** A check that failed is repeated after the longest pause. */
const RECHECK_ATTEMPT = 4

/** More ephemeral events than this do not wait for those before them: nobody can read them later, so they are lost. */
export const MAX_WAITING_EPHEMERAL = 1000

/** Figures of the hub, for the metrics. */
export interface HubCounts {
  connections: number
  channels: number
  repairs: number
}

/**
 * The one way out: who is here, and which channels they hear. It owns one feed per channel that has somebody in this process.
 */
export class Hub {
  /** The users in the rooms. */
  readonly presence: RoomPresence
  readonly #engine: Engine
  readonly #report: (error: unknown) => void
  readonly #feeds = new Map<Channel, Feed>()
  /** Most connections hear one channel, and none hears many. */
  readonly #subscriptions = new Map<Connection, Subscription[]>()
  readonly #byId = new Map<string, Connection>()
  readonly #ephemeral = new Slices<Subscription>()
  readonly #feedOptions: FeedOptions
  readonly #timer: NodeJS.Timeout
  #checking: Promise<void> | undefined
  #checkAgain = false
  #repairs = 0

  /** `report`: hears of faults that nobody else hears of. */
  constructor(engine: Engine, report: (error: unknown) => void) {
    this.#engine = engine
    this.#report = report
    this.#feedOptions = {
      announcements: new Announcements(engine),
      onRepair: () => this.#repairs++,
      report,
    }
    this.presence = new RoomPresence(engine, report)
    this.#timer = setInterval(() => this.#checkAll(), CHECK_INTERVAL).unref()
    engine.broker.onRestored(() => {
      for (const feed of this.#feeds.values()) feed.distrust()
      this.#checkAll()
    })
  }

  get counts(): HubCounts {
    return { connections: this.#subscriptions.size, channels: this.#feeds.size, repairs: this.#repairs }
  }

  /** Takes a connection in; it hears nothing yet. */
  open(connection: Connection): void {
    this.#subscriptions.set(connection, [])
    this.#byId.set(connection.id, connection)
  }

  /**
   * Lets a connection hear a channel. The subscription that it resolves to holds everything back until it is released or replays.
   * Rejects with the engine's error, and the connection then has no subscription.
   */
  async join(connection: Connection, channel: Channel): Promise<Subscription> {
    return (await this.#join(connection, channel)).subscription
  }

  /**
   * Lets a connection hear its user's log, as `join` does, and reads what the engine has for the user. What changes after that, the connection
   * hears. `arrival`: undefined for a connection that has closed meanwhile.
   */
  arrive(
    connection: Connection,
    user: string,
  ): Promise<{ subscription: Subscription; arrival: Arrival | undefined }> {
    return this.#join(connection, userChannel(user))
  }

  async #join(
    connection: Connection,
    channel: Channel,
  ): Promise<{ subscription: Subscription; arrival: Arrival | undefined }> {
    const joined = this.#subscriptions.get(connection)
    const subscription = new Subscription(channel, connection, this.#engine.broker, this.#report)
    if (joined === undefined) {
      // A connection that has closed in the meantime is brought nowhere.
      subscription.leave()
      return { subscription, arrival: undefined }
    }
    this.leave(connection, channel)
    joined.push(subscription)
    if (!isUserChannel(channel)) this.presence.enter(idOfChannel(channel), connection)
    let feed = this.#feeds.get(channel)
    if (feed === undefined) {
      feed = new Feed(channel, this.#engine, this.#feedOptions)
      this.#feeds.set(channel, feed)
    }
    try {
      return { subscription, arrival: await feed.join(subscription) }
    } catch (error) {
      if (joined.includes(subscription)) this.leave(connection, channel)
      throw error
    }
  }

  /** The channels that a connection hears. */
  channelsOf(connection: Connection): Channel[] {
    return (this.#subscriptions.get(connection) ?? []).map(({ channel }) => channel)
  }

  /** The subscription of a connection to a channel; undefined if it does not hear it. */
  subscriptionOf(connection: Connection, channel: Channel): Subscription | undefined {
    return this.#subscriptions.get(connection)?.find((one) => one.channel === channel)
  }

  /** Lets a connection no longer hear a channel; answers whether it did. */
  leave(connection: Connection, channel: Channel): boolean {
    const joined = this.#subscriptions.get(connection) ?? []
    const index = joined.findIndex((one) => one.channel === channel)
    const subscription = joined[index]
    if (subscription === undefined) return false
    joined.splice(index, 1)
    subscription.leave()
    if (!isUserChannel(channel)) this.presence.leave(idOfChannel(channel), connection)
    const feed = this.#feeds.get(channel)
    feed?.leave(subscription)
    if (feed?.subscriptions.size === 0) {
      this.#feeds.delete(channel)
      feed.close()
    }
    return true
  }

  /** Lets a connection go. */
  close(connection: Connection): void {
    for (const channel of this.channelsOf(connection)) this.leave(connection, channel)
    this.#subscriptions.delete(connection)
    this.#byId.delete(connection.id)
  }

  /**
   * Sends the tabs of this process an event that is not stored; to a tab that is still entering when it has.
   * Answers false if it was dropped, because thousands of tabs are still being sent what came before.
   */
  publishEphemeral(publication: Publication, { to, except = [] }: Audience): boolean {
    if (this.#ephemeral.waiting >= MAX_WAITING_EPHEMERAL) return false
    const leftOut = new Set(
      except.flatMap((address) => this.#at(address)).map(({ connection }) => connection),
    )
    const chosen = new Map<Connection, Subscription>()
    const found = to?.flatMap((address) => this.#at(address)) ?? this.#everybody()
    for (const subscription of found)
      if (!leftOut.has(subscription.connection)) chosen.set(subscription.connection, subscription)
    this.#ephemeral.forEach(new Set(chosen.values()), (subscription) => {
      // It may have left before its slice came.
      if (!subscription.hasLeft) subscription.receive(publication, subscription.position)
    })
    return true
  }

  #at(address: Address): readonly Subscription[] {
    if (!address.startsWith('connection:'))
      return [...(this.#feeds.get(address as Channel)?.subscriptions ?? [])]
    const connection = this.#byId.get(address.slice('connection:'.length))
    return connection === undefined ? [] : firstOf(this.#subscriptions.get(connection))
  }

  #everybody(): Subscription[] {
    return [...this.#subscriptions.values()].flatMap(firstOf)
  }

  /** Stops the checks. Connections are closed by those who opened them. */
  stop(): void {
    clearInterval(this.#timer)
    this.presence.stop()
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
        await feeds[next++]!.check().catch((error: unknown) => {
          if (isTemporary(error)) failed = true
          else this.#report(error)
        })
    }
    await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, checkOneByOne))
    if (!failed) return
    // The engine is away again. What was missed must not wait for the next round.
    this.#checkAgain = true
    await backoff(RECHECK_ATTEMPT)
  }
}

/** A connection may hear several channels, and gets an event once. */
const firstOf = (joined: readonly Subscription[] | undefined): readonly Subscription[] =>
  joined?.slice(0, 1) ?? []
