import type { TakenWebhook, WebhookQueue } from '../core/engine/webhook-queue.ts'
import type { Inboxes } from '../core/inbox/inboxes.ts'
import { isTemporary } from '../core/lifecycle/faults.ts'
import { type DispatcherOptions, type WebhookCounts, WebhookDispatcher } from './dispatcher.ts'
import { afterLook } from './next-look.ts'

/** The parts that webhooks work with. */
export interface WebhooksOptions extends DispatcherOptions {
  webhookQueue: WebhookQueue
  inboxes: Inboxes
  /** Receives errors that nobody expected. */
  report(error: unknown): void
}

/** Milliseconds between two looks for webhooks that are due. */
const INTERVAL = 500

/** The most webhooks that have their turn at once: looks, requests (see `HostLimits`), and those that wait for one. */
const MAX_UNDER_WAY = 100

/** The time for which a webhook is taken, in milliseconds: longer than its turn can last. */
const TAKEN_FOR = 20_000

/** The longest that a stop waits for receivers to answer, in milliseconds. */
const LAST_ANSWERS = 2000

/**
 * Sends backends the events of their notifications. Every process looks for webhooks that are due, and one takes each for a turn: a look at
 * the inbox, whose result is stored, or one try to send what was found. So a result survives a killed process, and another process sends it.
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

  /** The number of tries so far, by result. */
  get counts(): Readonly<WebhookCounts> {
    return this.#dispatcher.counts
  }

  /** Begins to look for webhooks that are due. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), INTERVAL).unref()
  }

  /** Stops: requests under way have a moment to succeed, and another process repeats the others. Resolves when nothing is under way. */
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
        // What was found is sent at once, and another webhook can have its turn.
        this.#look()
      })
    this.#underWay.add(turn)
  }

  async #turn(taken: TakenWebhook): Promise<void> {
    const { webhook } = taken
    const { webhookQueue, inboxes } = this.#options
    const isToSend = webhook.unsent.length > 0 && webhook.retryAt <= Date.now()
    const next = isToSend
      ? await this.#dispatcher.dispatch(webhook)
      : afterLook(webhook, await inboxes.find(webhook.user, webhook.id), Date.now())
    await webhookQueue.giveBack(taken, next, Date.now())
  }

  /** While the store is away nothing can be done: a webhook becomes due again when the time is over for which it was taken. */
  #reportUnlessTemporary(error: unknown): void {
    if (!isTemporary(error)) this.#options.report(error)
  }
}
