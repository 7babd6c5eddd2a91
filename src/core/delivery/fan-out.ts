import { setTimeout as delay } from 'node:timers/promises'
import type { LogPage } from '../engine/broker.ts'
import type { Gap, StreamPosition } from '../model/position.ts'
import type { Publication } from '../model/publication.ts'
import { Coalescer } from './coalescer.ts'
import type { PageHead } from './replay-buffer.ts'
import { Slices } from './slices.ts'
import type { Subscription } from './subscription.ts'

/** How long the others wait for a subscription that does not drain its page, in milliseconds. */
const DRAIN_PATIENCE = 250

/** Hands the publications of one channel to all who have subscribed to it, in order; progress that follows closely waits for its turn. */
export class FanOut {
  readonly subscriptions = new Set<Subscription>()
  /** Everything up to here has been handed on. */
  #handedOn: StreamPosition = { seq: 0, epoch: '' }
  readonly #coalescer = new Coalescer((publication) => this.deliver(publication))
  readonly #slices = new Slices<Subscription>()

  /** The place up to which everything has been handed on. */
  get handedOn(): StreamPosition {
    return this.#handedOn
  }

  /** The number of publications that wait for those before them. */
  get waiting(): number {
    return this.#slices.waiting
  }

  /** Begins here: what lies before it is nobody's. */
  beginAt(position: StreamPosition): void {
    this.#handedOn = position
  }

  /** Hands a publication on, at once or when it is due. */
  take(publication: Publication): void {
    this.#coalescer.take(publication)
  }

  /** Hands a publication on at once. */
  deliver(publication: Publication): void {
    const before = this.#handedOn
    const { seq, epoch } = publication
    if (seq !== 0) this.#handedOn = { seq, epoch }
    this.#forEach((subscription) => subscription.receive(publication, before), publication.packet.length)
  }

  /** Hands on a page of the log, which begins where the last publication was taken. */
  catchUp({ gap, publications, end }: LogPage): void {
    this.#coalescer.flush()
    const [first] = publications
    // In the epoch of what follows, which need not be the last one.
    if (gap !== undefined)
      this.#lose(gap, first === undefined ? end : { seq: first.seq - 1, epoch: first.epoch })
    for (const publication of publications) this.deliver(publication)
    const last = this.#handedOn
    this.#forEach((subscription) => subscription.skip(last, end))
    this.#handedOn = end
  }

  /** Says that nobody knows what lay between what was handed on and `head`, and goes on from there. */
  skipTo(head: StreamPosition): void {
    this.#coalescer.flush()
    const from = this.#handedOn.seq + 1
    this.#lose({ from, to: Math.max(head.seq, from), reason: 'unknown' }, head)
  }

  /** The subscriptions have been handed the log to its end, which was `page`. */
  caughtUp(page: PageHead): void {
    this.#forEach((subscription) => subscription.caughtUp(page))
  }

  /** Resolves when all work has been done that waits for its turn. */
  idle(): Promise<void> {
    return this.#slices.idle()
  }

  /** Resolves when what was handed on has left the process; one who does not read holds nobody up for long. */
  async drained(): Promise<void> {
    await this.idle()
    await Promise.race([
      Promise.all([...this.subscriptions].map(({ connection }) => connection.drained())),
      delay(DRAIN_PATIENCE, undefined, { ref: false }),
    ])
  }

  /** Forgets what waits for its turn: whoever wants it finds it in the log. */
  close(): void {
    this.#coalescer.drop()
  }

  #lose(gap: Gap, after: StreamPosition): void {
    const before = this.#handedOn
    this.#forEach((subscription) => subscription.admit(gap, before, after))
    this.#handedOn = after
  }

  #forEach(action: (subscription: Subscription) => void, bytes = 0): void {
    this.#slices.forEach(this.subscriptions, action, bytes)
  }
}
