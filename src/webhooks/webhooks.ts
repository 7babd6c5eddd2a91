import { ServiceError } from '../core/errors.ts'
import type { Inboxes } from '../core/inboxes.ts'
import type { TakenWatch, Watches } from '../core/watches.ts'
import { afterLook } from './next-look.ts'
import { Teller, type TellerOptions, type WebhookCounts } from './teller.ts'

export interface WebhooksOptions extends TellerOptions {
  watches: Watches
  inboxes: Inboxes
  /** Is told of an error that nobody expected. */
  report(error: unknown): void
}

/** How often it is looked for what is due, in milliseconds. */
const INTERVAL = 500

/** How many watches have their turn at once: looks, requests (see `Hosts`), and those that wait for a place. */
const MAX_UNDER_WAY = 100

/** For how long a watch is taken, in milliseconds: longer than its turn can last. */
const TAKEN_FOR = 20_000

/** How long a stop waits for receivers to answer, in milliseconds. */
const LAST_ANSWERS = 2000

/**
 * Tells backends what became of their notifications. Every process looks for what is due, and one takes it for a turn: a look at the inbox,
 * whose finding is kept, or one try to tell what was found. So what was found survives a killed process, and is told by another.
 */
export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #teller: Teller
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #stopped = false

  constructor(options: WebhooksOptions) {
    this.#options = options
    this.#teller = new Teller(options)
  }

  get counts(): Readonly<WebhookCounts> {
    return this.#teller.counts
  }

  /** Begins to look for what is due. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), INTERVAL).unref()
  }

  /** Ends it: what is under way has a moment to end well, and what has not is tried again by whoever looks next. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    const cut = setTimeout(() => this.#teller.close(), LAST_ANSWERS)
    await this.#looking
    await Promise.all(this.#underWay)
    clearTimeout(cut)
    this.#teller.close()
  }

  #look(): void {
    if (this.#stopped) return
    this.#looking ??= this.#takeDue()
      .catch((error) => this.#reportUnlessTemporary(error))
      .finally(() => {
        this.#looking = undefined
      })
  }

  async #takeDue(): Promise<void> {
    for (;;) {
      const free = MAX_UNDER_WAY - this.#underWay.size
      if (free === 0) return
      const now = Date.now()
      const taken = await this.#options.watches.take(now, now + TAKEN_FOR, free)
      for (const one of taken) this.#begin(one)
      if (taken.length < free) return
    }
  }

  #begin(taken: TakenWatch): void {
    const turn = this.#turn(taken)
      .catch((error) => this.#reportUnlessTemporary(error))
      .finally(() => {
        this.#underWay.delete(turn)
        // What was found is told at once, and a free place is used.
        this.#look()
      })
    this.#underWay.add(turn)
  }

  async #turn(taken: TakenWatch): Promise<void> {
    const { watch } = taken
    const { watches, inboxes } = this.#options
    const isToTell = watch.telling.length > 0 && watch.retryAt <= Date.now()
    const next = isToTell
      ? await this.#teller.tell(watch)
      : afterLook(watch, await inboxes.find(watch.user, watch.id), Date.now())
    await watches.settle(taken, next, Date.now())
  }

  /** While the store is away nothing can be done; a watch is due again when its time with this process is over. */
  #reportUnlessTemporary(error: unknown): void {
    if (!(error instanceof ServiceError && error.temporary)) this.#options.report(error)
  }
}
