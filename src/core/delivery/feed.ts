import { setTimeout as delay } from 'node:timers/promises'
import type { Arrival } from '../engine/arrivals.ts'
import type { PageLimit } from '../engine/broker.ts'
import type { Engine } from '../engine/engine.ts'
import { isTemporary } from '../lifecycle/faults.ts'
import { whileAway } from '../lifecycle/while-away.ts'
import type { Channel } from '../model/channel.ts'
import { isUnwritten, type StreamPosition } from '../model/position.ts'
import type { Publication } from '../model/publication.ts'
import type { Announced, Announcements, Entered } from './announcements.ts'
import { FanOut } from './fan-out.ts'
import type { Subscription } from './subscription.ts'

/** A repair reads in pages of this size, the next when the subscriptions have drained the last. */
const REPAIR_PAGE: PageLimit = { entries: 500, bytes: 65_536 }

/** More than this many publications are not kept during a repair, nor behind the slices: the log has them all. */
const MAX_BACKLOG = 1000

/** How long a publication may take to here before it counts as missed, in milliseconds. */
const TOPIC_PATIENCE = 500

/** The listeners of a feed. */
export interface FeedOptions {
  announcements: Announcements
  /** Called when a repair begins. */
  onRepair(): void
  /** Hears of faults that nobody else hears of. */
  report(error: unknown): void
}

/**
 * One channel as this process hears it: the live subscription, the position up to which everything has been handed on, its subscriptions.
 *
 * A publication is handed on only if it follows directly on the one before. Anything else (a hole, an epoch that changed) is
 * cleared up by reading the log, so subscriptions see the log's order, and nothing twice, whatever the topic did.
 */
export class Feed implements Announced {
  readonly channel: Channel
  readonly #fanOut = new FanOut()
  readonly #engine: Engine
  readonly #options: FeedOptions
  /** Resolves to what the first subscription was told; undefined once the feed is open. */
  #opened: Promise<Entered> | undefined
  #closed = false
  /** Everything up to here has been heard, without a hole. Behind what has been handed on there is only progress that waits. */
  #position: StreamPosition = { seq: 0, epoch: '' }
  /** Publications that came in while the position was not certain; undefined while the feed is live. */
  #backlog: Publication[] | undefined = []
  #isDistrustful = false

  constructor(channel: Channel, engine: Engine, options: FeedOptions) {
    this.channel = channel
    this.#engine = engine
    this.#options = options
    this.#opened = this.#start()
  }

  /** The subscriptions to the channel in this process. */
  get subscriptions(): ReadonlySet<Subscription> {
    return this.#fanOut.subscriptions
  }

  /** Everything up to here has been heard, without a hole. */
  get position(): StreamPosition {
    return this.#position
  }

  /** The number of subscriptions; undefined once the channel is no longer heard here. */
  get connections(): number | undefined {
    return this.#closed ? undefined : this.subscriptions.size
  }

  /**
   * Takes a subscription in, which holds everything back until it is released. Resolves when all processes count it, to what the engine then has.
   */
  async join(subscription: Subscription): Promise<Arrival | undefined> {
    const first = this.subscriptions.size === 0
    this.#fanOut.subscriptions.add(subscription)
    const opened = await this.#opened
    // The first one was counted by the opening; a later one may have come after that had asked for the size.
    const entered = (first && opened) || (await this.#options.announcements.enter(this))
    subscription.joined(entered.head)
    return entered.arrival
  }

  /** Lets a subscription go. */
  leave(subscription: Subscription): void {
    if (this.#fanOut.subscriptions.delete(subscription) && this.subscriptions.size > 0)
      this.#options.announcements.announce(this).catch(this.#ignoreAbsence)
  }

  /** Messages may have been lost. The first publication of a log does not tell that another log was before it: it waits for the next check. */
  distrust(): void {
    if (this.#opened !== undefined || this.#backlog !== undefined || !isUnwritten(this.#position)) return
    this.#backlog = []
    this.#isDistrustful = true
  }

  /** Announces again, and reads the log if the feed is not at its end: a message that nothing follows was lost, or the store came back older. */
  async check(): Promise<void> {
    if (this.#opened !== undefined) return
    const before = this.#position
    const head = await this.#options.announcements.announce(this)
    if (this.#isDistrustful) return this.#trustAgain(head)
    const older = head.epoch !== before.epoch || head.seq < before.seq
    // A publication that is still on its way here is not lost.
    if (!older && head.seq > this.#position.seq) await delay(TOPIC_PATIENCE, undefined, { ref: false })
    const behind = older || head.seq > this.#position.seq
    if (this.#closed || this.#backlog !== undefined || !behind) return
    this.#backlog = []
    await this.#repair()
  }

  async #trustAgain({ seq, epoch }: StreamPosition): Promise<void> {
    this.#isDistrustful = false
    const isHere = seq === this.#position.seq && epoch === this.#position.epoch
    if (!this.#closed && !(isHere && this.#goLive())) await this.#repair()
  }

  /** Ends the subscription and withdraws the count. */
  close(): void {
    this.#closed = true
    this.#fanOut.close()
    this.#engine.broker.unsubscribe(this.channel, this.#receive)
    this.#engine.connections.announce(this.channel, 0).catch(this.#ignoreAbsence)
  }

  async #start(): Promise<Entered> {
    await this.#engine.broker.subscribe(this.channel, this.#receive)
    const stated = await this.#options.announcements.enter(this)
    this.#position = stated.head
    this.#fanOut.beginAt(stated.head)
    this.#opened = undefined
    if (!this.#goLive()) void this.#repair()
    return stated
  }

  readonly #receive = (publication: Publication): void => {
    // Only for those who asked to see who is there, see `RoomPresence`: a room of thousands must not look through all for each that comes.
    if (publication.event === 'presence') return
    if (this.#backlog !== undefined) {
      // What is dropped here leaves a hole, which the next turn of the repair finds and reads from the log.
      if (this.#backlog.length >= MAX_BACKLOG) this.#backlog = []
      this.#backlog.push(publication)
    } else if (this.#fanOut.waiting >= MAX_BACKLOG) {
      this.#backlog = [publication]
      void this.#resume()
    } else if (!this.#accept(publication)) {
      this.#backlog = [publication]
      void this.#repair()
    }
  }

  /** Goes on when the slices have been worked off, from what was kept until then if that suffices. */
  async #resume(): Promise<void> {
    await this.#fanOut.idle()
    if (!this.#closed && !this.#goLive()) await this.#repair()
  }

  /** Hands a publication on if it follows directly, drops it if it is known; answers false if it is neither. */
  #accept(publication: Publication): boolean {
    if (publication.seq !== 0) {
      const { seq } = this.#position
      // The epoch of a log begins with its first publication.
      const epoch = isUnwritten(this.#position) ? publication.epoch : this.#position.epoch
      if (publication.epoch !== epoch || publication.seq > seq + 1) return false
      if (publication.seq <= seq) return true
      this.#position = { seq: publication.seq, epoch }
    }
    this.#fanOut.take(publication)
    return true
  }

  /** Works off the backlog and goes live; answers false at the first hole. */
  #goLive(): boolean {
    const backlog = this.#backlog ?? []
    for (const [index, publication] of backlog.entries()) {
      if (this.#accept(publication)) continue
      this.#backlog = backlog.slice(index)
      return false
    }
    this.#backlog = undefined
    return true
  }

  async #repair(): Promise<void> {
    this.#options.onRepair()
    try {
      await this.#readOn()
    } catch (error) {
      // The log cannot be read, and trying again would not help: nobody is left to wait in silence.
      this.#options.report(error)
      await this.#skipToEnd()
    }
  }

  /** Reads the log from the position to its end, and goes live. Rejects if it cannot be read, unless that passes by itself. */
  async #readOn(): Promise<void> {
    while (!this.#closed) {
      const backlog = this.#backlog ?? []
      const known = backlog.length
      const read = () => this.#engine.broker.since(this.channel, this.#position, REPAIR_PAGE)
      const page = await whileAway(read, () => this.#closed)
      if (page === undefined || this.#closed) return
      // The page goes on from the position, so nothing may be left before it.
      this.#fanOut.catchUp(page)
      this.#position = page.end
      if (!page.complete) {
        await this.#fanOut.drained()
        continue
      }
      // What had come in before the read is in the log, or was never a publication of this store: only what is not stored is left of it.
      if (backlog === this.#backlog)
        for (const publication of backlog.splice(0, known))
          if (publication.seq === 0) this.#fanOut.deliver(publication)
      if (!this.#goLive()) continue
      const { head, counts } = page
      this.#fanOut.caughtUp({ head, counts })
      return
    }
  }

  /** Goes live behind a loss of which nobody can say what it was; where not even the end of the log is known, ends the connections. */
  async #skipToEnd(): Promise<void> {
    try {
      const head = await this.#options.announcements.announce(this)
      if (this.#closed) return
      this.#fanOut.skipTo(head)
      this.#position = head
      if (this.#goLive()) this.#fanOut.caughtUp({ head, counts: undefined })
      else await this.#repair()
    } catch (error) {
      this.#ignoreAbsence(error)
      for (const { connection } of this.subscriptions) connection.handleFault()
    }
  }

  /** A count that cannot be stated now is stated by the next check; one that cannot be withdrawn is the engine's to remember. */
  readonly #ignoreAbsence = (error: unknown): void => {
    if (!isTemporary(error)) this.#options.report(error)
  }
}
