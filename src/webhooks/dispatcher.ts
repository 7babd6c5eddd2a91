import type { NextWebhook, PendingWebhook } from '../core/engine/webhook-queue.ts'
import { HostLimits } from './host-limits.ts'
import { messageOf } from './message.ts'
import { Sender, type SenderOptions, type WebhookUrl } from './sender.ts'

/** The parts and limits of the dispatcher. */
export interface DispatcherOptions extends SenderOptions {
  /** The URL for webhooks whose call named none; undefined if the operator named none either. */
  url: string | undefined
  /** Milliseconds before each repeat of a failed try; after the last it is given up. */
  retryDelays?: readonly number[]
  /** Logs what an operator should know about a receiver. */
  warn(message: string): void
}

/** The number of tries, by result. */
export interface WebhookCounts {
  /** The receiver accepted it. */
  sent: number
  /** It failed, and is tried again. */
  failed: number
  /** It failed for the last time. */
  given_up: number
  /** The receiver wants no more (410). */
  refused: number
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** The first seven of those that Standard Webhooks recommends: 18 hours in all. */
const RETRY_DELAYS = [5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR]

/** The result of one try: a status, or why there was none. */
interface Try {
  status: number | undefined
  fault: string
}

/** Sends receivers what happened, one try at a time. */
export class WebhookDispatcher {
  /** The number of tries so far, for the metrics. */
  readonly counts: WebhookCounts = { sent: 0, failed: 0, given_up: 0, refused: 0 }
  readonly #options: DispatcherOptions
  readonly #sender: Sender
  readonly #hostLimits = new HostLimits()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#sender = new Sender(options)
  }

  /**
   * Tries once to send the first unsent event of a webhook, unless its host has no free place within a moment. Resolves to the webhook as it
   * is then, and when it is due again; undefined if it has ended. Does not reject.
   */
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
      return afterSending(webhook)
    }
    return this.#afterFault(webhook, host, { status, fault })
  }

  /** Gives up requests that are under way, and closes the connections. */
  close(): void {
    this.#sender.close()
  }

  #urlOf({ url }: PendingWebhook): WebhookUrl | undefined {
    if (url !== undefined) return { url, trusted: false }
    return this.#options.url === undefined ? undefined : { url: this.#options.url, trusted: true }
  }

  async #try(target: WebhookUrl | undefined, webhook: PendingWebhook): Promise<Try> {
    if (target === undefined) return { status: undefined, fault: 'WEBHOOK_URL is no longer set' }
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
    const warn = (outcome: string): void =>
      this.#options.warn(`The webhook ${id} was not accepted by ${host}: ${fault}. ${outcome}`)
    if (status === 410) {
      this.counts.refused++
      warn('The receiver wants no more of this notification.')
      return undefined
    }
    const failures = webhook.failures + 1
    const delay = (this.#options.retryDelays ?? RETRY_DELAYS)[webhook.failures]
    if (delay === undefined) {
      this.counts.given_up++
      warn(`It is given up after ${failures} tries.`)
      return afterSending(webhook)
    }
    this.counts.failed++
    warn('It is tried again.')
    // With jitter, so that what failed together does not come back together.
    const retryAt = Math.round(Date.now() + delay * (1 + Math.random() / 10))
    return { webhook: { ...webhook, failures, retryAt }, at: retryAt }
  }
}

/** The webhook without the event that was sent or given up; undefined if nothing more can happen. */
function afterSending(webhook: PendingWebhook): NextWebhook {
  const unsent = webhook.unsent.slice(1)
  if (unsent.length === 0 && webhook.events.length === 0) return undefined
  return { webhook: { ...webhook, unsent, failures: 0, retryAt: 0 }, at: Date.now() }
}
