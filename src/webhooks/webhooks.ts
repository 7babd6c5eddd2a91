import type { TakenWebhook, WebhookQueue } from '../core/engine/webhook-queue.ts'
import type { Inboxes } from '../core/inbox/inboxes.ts'
import { ServiceError } from '../core/model/errors.ts'
import { type DispatcherOptions, type WebhookCounts, WebhookDispatcher } from './dispatcher.ts'
import { afterLook } from './next-look.ts'

export interface WebhooksOptions extends DispatcherOptions {
  webhookQueue: WebhookQueue
  inboxes: Inboxes
  /** Is told of an error that nobody expected. */
  report(error: unknown): void
}

/** How often it is looked for what is due, in milliseconds. */
const INTERVAL = 500

/** How many webhookQueue have their turn at once: looks, requests (see `HostLimits`), and those that wait for a place. */
const MAX_UNDER_WAY = 100

/** For how long a webhook is taken, in milliseconds: longer than its turn can last. */
const TAKEN_FOR = 20_000

/** How long a stop waits for receivers to answer, in milliseconds. */
const LAST_ANSWERS = 2000

/**
 * Tells backends what became of their notifications. Every process looks for what is due, and one takes it for a turn: a look at the inbox,
 * whose finding is kept, or one try to dispatch what was found. So what was found survives a killed process, and is told by another.
 */
export class Webhooks {
  readonly #options: WebhooksOptions
  readonly #dispatcher: WebhookDispatcher
  readonly #underWay = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #stopped = false

  constructor(options: WebhooksOptions) {
    this.#options = options
    this.#dispatcher = new WebhookDispatcher(options)
  }

  get counts(): Readonly<WebhookCounts> {
    return this.#dispatcher.counts
  }

  /** Begins to look for what is due. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), INTERVAL).unref()
  }

  /** Ends it: what is under way has a moment to end well, and what has not is tried again by whoever looks next. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    const cut = setTimeout(() => this.#dispatcher.close(), LAST_ANSWERS)
    await this.#looking
    await Promise.all(this.#underWay)
    clearTimeout(cut)
    this.#dispatcher.close()
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
      const taken = await this.#options.webhookQueue.take(now, now + TAKEN_FOR, free)
      for (const one of taken) this.#begin(one)
      if (taken.length < free) return
    }
  }

  #begin(taken: TakenWebhook): void {
    const turn = this.#turn(taken)
      .catch((error) => this.#reportUnlessTemporary(error))
      .finally(() => {
        this.#underWay.delete(turn)
        // What was found is told at once, and a free place is used.
        this.#look()
      })
    this.#underWay.add(turn)
  }

  async #turn(taken: TakenWebhook): Promise<void> {
    const { webhook } = taken
    const { webhookQueue, inboxes } = this.#options
    const isToTell = webhook.unsent.length > 0 && webhook.retryAt <= Date.now()
    const next = isToTell
      ? await this.#dispatcher.dispatch(webhook)
      : afterLook(webhook, await inboxes.find(webhook.user, webhook.id), Date.now())
    await webhookQueue.giveBack(taken, next, Date.now())
  }

  /** While the store is away nothing can be done; a webhook is due again when its time with this process is over. */
  #reportUnlessTemporary(error: unknown): void {
    if (!(error instanceof ServiceError && error.temporary)) this.#options.report(error)
  }
}
