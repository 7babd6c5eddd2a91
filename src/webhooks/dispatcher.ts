import type { NextWebhook, PendingWebhook } from '../core/engine/webhook-queue.ts'
import { HostLimits } from './host-limits.ts'
import { messageOf } from './message.ts'
import { Sender, type SenderOptions, type WebhookUrl } from './sender.ts'

export interface DispatcherOptions extends SenderOptions {
  /** Where it is told if the call named no target; undefined if the operator named none either. */
  url: string | undefined
  /** After how many milliseconds each failed try is repeated; then it is given up. */
  retryDelays?: readonly number[]
  /** Is told what an operator should know of a receiver. */
  warn(message: string): void
}

/** What became of the tries: a receiver took it, it will be tried again, it was given up, the receiver wants no more (410). */
export interface WebhookCounts {
  sent: number
  failed: number
  given_up: number
  refused: number
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The first seven of those that Standard Webhooks proposes: 18 hours in all. */
const RETRY_DELAYS = [5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR]

/** What came of one try: a status, or why there was none. */
interface Try {
  status: number | undefined
  fault: string
}

/** Tells receivers what happened, one try at a time. */
export class WebhookDispatcher {
  readonly counts: WebhookCounts = { sent: 0, failed: 0, given_up: 0, refused: 0 }
  readonly #options: DispatcherOptions
  readonly #sender: Sender
  readonly #hostLimits = new HostLimits()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#sender = new Sender(options)
  }

  /** Tries to tell the first of what a webhook has to tell; resolves to what the webhook is then. */
  async dispatch(webhook: PendingWebhook): Promise<NextWebhook> {
    const target = this.#urlOf(webhook)
    const host = (target && URL.parse(target.url)?.host) ?? ''
    if (!(await this.#hostLimits.enter(host)))
      return { webhook, at: Date.now() + this.#hostLimits.patience(host) }
    const { status, fault } = await this.#try(target, webhook)
    const sent = status !== undefined && status >= 200 && status < 300
    this.#hostLimits.leave(host, sent)
    if (sent) {
      this.counts.sent++
      return afterTelling(webhook)
    }
    return this.#afterFault(webhook, host, { status, fault })
  }

  /** Gives up what is under way and closes the connections. */
  close(): void {
    this.#sender.close()
  }

  #urlOf({ url }: PendingWebhook): WebhookUrl | undefined {
    if (url !== undefined) return { url, trusted: false }
    return this.#options.url === undefined ? undefined : { url: this.#options.url, trusted: true }
  }

  async #try(target: WebhookUrl | undefined, webhook: PendingWebhook): Promise<Try> {
    if (target === undefined) return { status: undefined, fault: 'there is no WEBHOOK_URL any more' }
    try {
      const status = await this.#sender.send(target, messageOf(webhook, webhook.unsent[0]!))
      return { status, fault: `it answered ${status}` }
    } catch (error) {
      const { message, cause } = error as Error
      return { status: undefined, fault: cause instanceof Error ? cause.message : message }
    }
  }

  #afterFault(webhook: PendingWebhook, host: string, { status, fault }: Try): NextWebhook {
    const { id } = messageOf(webhook, webhook.unsent[0]!)
    const tell = (end: string): void =>
      this.#options.warn(`The webhook ${id} was not taken by ${host}: ${fault}. ${end}`)
    if (status === 410) {
      this.counts.refused++
      tell('It wants no more of this notification.')
      return undefined
    }
    const failures = webhook.failures + 1
    const delay = (this.#options.retryDelays ?? RETRY_DELAYS)[webhook.failures]
    if (delay === undefined) {
      this.counts.given_up++
      tell(`It is given up after ${failures} tries.`)
      return afterTelling(webhook)
    }
    this.counts.failed++
    tell('It is tried again.')
    // A part is at random, so that what failed together does not come back together.
    const retryAt = Math.round(Date.now() + delay * (1 + Math.random() / 10))
    return { webhook: { ...webhook, failures, retryAt }, at: retryAt }
  }
}

/** The webhook without what has been told; it has ended when nothing more can happen. */
function afterTelling(webhook: PendingWebhook): NextWebhook {
  const unsent = webhook.unsent.slice(1)
  if (unsent.length === 0 && webhook.events.length === 0) return undefined
  return { webhook: { ...webhook, unsent, failures: 0, retryAt: 0 }, at: Date.now() }
}
