import type { Broker, PageLimit } from '../engine/broker.ts'
import { whileAway } from '../lifecycle/while-away.ts'
import type { Channel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import type { Control } from '../model/control.ts'
import type { Cursor, Gap, StreamPosition } from '../model/position.ts'
import { asReplay, type Publication, payloadOf } from '../model/publication.ts'
import { AckWindow } from './ack-window.ts'
import { type PageHead, ReplayBuffer } from './replay-buffer.ts'

/** Replays go in pages of this size, the next when the connection has drained the last. */
const REPLAY_PAGE: PageLimit = { entries: 500, bytes: 65_536 }

/**
 * One connection on one feed: how far it has been brought, and what waits while it still reads the log.
 *
 * A subscription that replays holds live publications back, reads the log to its end, and then releases what the log did not have. The feed
 * hands on without holes, so what follows on the subscription's position is passed on. A subscription can have read ahead of the feed into another
 * incarnation of the log, since the feed may hear of a wipe late: what comes of the one before is then cleared up by reading again.
 */
export class Subscription {
  readonly channel: Channel
  readonly connection: Connection
  readonly ackWindow = new AckWindow()
  readonly #broker: Broker
  readonly #report: (error: unknown) => void
  #seq = 0
  #epoch = ''
  /** Control entries up to here were for those who were there before, or have been obeyed. */
  #joinedAt: number | undefined
  /** Publications that came in live during the replay; undefined when the subscription is live. */
  #held: ReplayBuffer | undefined = new ReplayBuffer()
  /** It no longer hears the channel: what is still being read is not sent. */
  #left = false
  /** It has learned of a gap, and is to learn when it is up to date again. */
  #owesPosition = false
  /** The end of the log, as the last page said. */
  #head: PageHead | undefined

  /** `report`: hears of faults that nobody else hears of. */
  constructor(channel: Channel, connection: Connection, broker: Broker, report: (error: unknown) => void) {
    this.channel = channel
    this.connection = connection
    this.#broker = broker
    this.#report = report
  }

  /** How far the connection has been brought. */
  get position(): StreamPosition {
    return { seq: this.#seq, epoch: this.#epoch }
  }

  /** Arrives from the feed, in order; the feed stood at `before`. */
  receive(publication: Publication, before: StreamPosition): void {
    if (this.#held !== undefined) {
      this.#obey(publication)
      this.#held.add({ publication, before })
    } else if (!this.#pass(publication, before)) {
      this.#held = new ReplayBuffer()
      this.#held.add({ publication, before })
      void this.#readAgain()
    }
  }

  /** The feed, which stood at `before`, has lost something, and goes on after `after`. */
  admit(gap: Gap, before: StreamPosition, after: StreamPosition): void {
    // In another incarnation of the log, and in one that came back older, the numbers that were lost are given again.
    if (this.#joinedAt !== undefined && (after.epoch !== before.epoch || after.seq < before.seq))
      this.#joinedAt = Math.min(this.#joinedAt, after.seq)
    this.connection.handleLoss(this.channel)
    if (this.#held !== undefined) {
      // The replay asks the log itself, and gets the same answer.
      this.#held.drop()
    } else if (this.#isAt(before)) {
      this.moveTo(after)
      this.#sendGap(gap, after.epoch)
      this.#owesPosition = true
    } else {
      // It came later or has read ahead, so this may be no loss to it, or it has another: only the log can tell.
      this.#held = new ReplayBuffer()
      void this.#readAgain()
    }
  }

  /** The feed, which stood at `before`, goes on after `after`, since nothing that is left lies between. */
  skip(before: StreamPosition, after: StreamPosition): void {
    if (this.#held === undefined && this.#isAt(before)) this.moveTo(after)
  }

  #isAt({ seq, epoch }: StreamPosition): boolean {
    return seq === this.#seq && epoch === this.#epoch
  }

  /** The feed has caught up with the log, whose end was `page`. */
  caughtUp(page: PageHead): void {
    if (this.#held === undefined) this.#tellPosition(page)
  }

  #tellPosition(page: PageHead | undefined): void {
    if (!this.#owesPosition) return
    this.#owesPosition = false
    const { seq, epoch } = this.position
    // What came after the page carried the counts itself.
    const counts = page?.head.seq === seq && page.head.epoch === epoch ? page.counts : undefined
    this.connection.sendPosition(this.channel, { seq, epoch }, counts)
  }

  /** True once the connection no longer hears the channel by this subscription; it may by another. */
  get hasLeft(): boolean {
    return this.#left
  }

  /** The connection no longer hears the channel; a replay that is under way ends. */
  leave(): void {
    this.#left = true
  }

  /** The connection is registered, and the log stood at `head` when it was: without a replay, it goes on from there. */
  joined(head: StreamPosition): void {
    this.#joinedAt = head.seq
    this.ackWindow.beginAt(head.seq)
    this.moveTo(head)
    for (const { publication } of this.#held?.items ?? []) this.#obey(publication)
  }

  /** Takes what the connection is given by other means as sent, up to this position. `release` must follow. */
  moveTo(position: StreamPosition): void {
    this.#seq = position.seq
    this.#epoch = position.epoch
  }

  /**
   * Reads and sends the log from the subscription's position to its end, if it is not `complete` already, then releases what came in live.
   * If nothing has to be read, everything is released before this returns; else the position is sent at the end. Rejects with the
   * engine's error.
   */
  async release(complete: boolean): Promise<void> {
    for (let more = !complete; (more || this.#held?.isLost) && !this.#left; )
      more = !(await this.#readOn(this.position))
    const held = this.#held
    this.#held = undefined
    if (this.#left) return
    for (const [index, { publication, before }] of (held?.items ?? []).entries()) {
      if (this.#pass(publication, before)) continue
      held?.take(index)
      this.#held = held
      return this.release(false)
    }
    this.#tellPosition(this.#head)
  }

  /**
   * Brings the connection from a cursor to the present: gap, log, position, then live. From now is from where it joined: what came since
   * was counted as sent to it. Rejects with the engine's error.
   */
  async replay(cursor: Cursor): Promise<void> {
    const from = cursor.seq === undefined ? this.position : cursor
    // The page that has a cursor has what lies before it.
    if (cursor.seq !== undefined) this.ackWindow.beginAt(0)
    // Until the log has been read, the connection has what its page says, and no more.
    this.moveTo({ seq: Math.min(from.seq ?? this.#seq, this.#seq), epoch: this.#epoch })
    await this.release(await this.#readOn(from))
  }

  /** As `release`, again and again while the engine is away. If the log cannot be read for another reason, the connection ends. */
  async #readAgain(): Promise<void> {
    try {
      await whileAway(
        () => this.release(false),
        () => this.#left,
      )
    } catch (error) {
      this.#report(error)
      this.connection.handleFault()
    }
  }

  /**
   * Reads and sends the next page; resolves to whether it was the last. What has waited since before that was read is in the log, or was
   * never in this one.
   */
  async #readOn(cursor: Cursor): Promise<boolean> {
    const held = this.#held ?? new ReplayBuffer()
    this.#held = held
    held.isLost = false
    this.#owesPosition = true
    const waiting = held.items.length
    const complete = await this.#sendPage(cursor)
    // What was dropped meanwhile has taken the others along.
    if (!complete || held.isLost) return complete
    for (const { publication, before } of held.take(waiting))
      if (publication.seq === 0) this.#pass(publication, before)
    return complete
  }

  /** Sends one page of the log after the gap that it admits; resolves to whether it was the last. */
  async #sendPage(cursor: Cursor): Promise<boolean> {
    const page = await this.#broker.since(this.channel, cursor, REPLAY_PAGE)
    if (this.#left) return true
    this.moveTo(page.end)
    this.#head = { head: page.head, counts: page.counts }
    if (page.gap !== undefined) this.#sendGap(page.gap, page.head.epoch)
    for (const publication of page.publications)
      if (publication.event !== 'control') this.#send(asReplay(publication))
    if (!page.complete) await this.connection.drained()
    return page.complete
  }

  #sendGap(gap: Gap, epoch: string): void {
    // In another incarnation of the log, and in one that came back older, the numbers that were lost are given again.
    this.ackWindow.beginsAnewAt(gap.from - 1)
    this.connection.sendGap(this.channel, epoch, gap)
  }

  /** Sends a publication, unless it was sent before; answers false if it does not follow on the subscription's position. */
  #pass(publication: Publication, before: StreamPosition): boolean {
    const { seq, epoch } = publication
    if (seq !== 0) {
      if (epoch === this.#epoch && seq <= this.#seq) return true
      // Within one epoch the feed may be behind. Where another begins it must have been where the subscription is, which else may have seen
      // what this one has lost.
      const isBehind = epoch === this.#epoch && epoch === before.epoch && before.seq < this.#seq
      if (!isBehind && !this.#isAt(before)) return false
      this.#seq = seq
      this.#epoch = epoch
    }
    if (publication.event === 'control') this.#obey(publication)
    else if (publication.except === '' || publication.except !== this.connection.id) this.#send(publication)
    return true
  }

  #send(publication: Publication): void {
    if (publication.isAwaited) this.ackWindow.awaits(publication.seq)
    this.connection.send(publication)
  }

  #obey(publication: Publication): void {
    if (publication.event !== 'control' || this.#joinedAt === undefined || publication.seq <= this.#joinedAt)
      return
    this.#joinedAt = publication.seq
    this.connection.handleControl(payloadOf(publication) as unknown as Control)
  }
}
