import type { NextWatch, Watch } from '../core/watches.ts'
import { Hosts } from './hosts.ts'
import { messageOf } from './message.ts'
import { type Place, Sender, type SenderOptions } from './sender.ts'

export interface TellerOptions extends SenderOptions {
  /** Where it is told if the call named no place; undefined if the operator named none either. */
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
export class Teller {
  readonly counts: WebhookCounts = { sent: 0, failed: 0, given_up: 0, refused: 0 }
  readonly #options: TellerOptions
  readonly #sender: Sender
  readonly #hosts = new Hosts()

  constructor(options: TellerOptions) {
    this.#options = options
    this.#sender = new Sender(options)
  }

  /** Tries to tell the first of what a watch has to tell; resolves to what the watch is then. */
  async tell(watch: Watch): Promise<NextWatch> {
    const place = this.#placeOf(watch)
    const host = (place && URL.parse(place.url)?.host) ?? ''
    if (!(await this.#hosts.enter(host))) return { watch, at: Date.now() + this.#hosts.patience(host) }
    const { status, fault } = await this.#try(place, watch)
    const sent = status !== undefined && status >= 200 && status < 300
    this.#hosts.leave(host, sent)
    if (sent) {
      this.counts.sent++
      return afterTelling(watch)
    }
    return this.#afterFault(watch, host, { status, fault })
  }

  /** Gives up what is under way and closes the connections. */
  close(): void {
    this.#sender.close()
  }

  #placeOf({ url }: Watch): Place | undefined {
    if (url !== undefined) return { url, trusted: false }
    return this.#options.url === undefined ? undefined : { url: this.#options.url, trusted: true }
  }

  async #try(place: Place | undefined, watch: Watch): Promise<Try> {
    if (place === undefined) return { status: undefined, fault: 'there is no WEBHOOK_URL any more' }
    try {
      const status = await this.#sender.send(place, messageOf(watch, watch.telling[0]!))
      return { status, fault: `it answered ${status}` }
    } catch (error) {
      const { message, cause } = error as Error
      return { status: undefined, fault: cause instanceof Error ? cause.message : message }
    }
  }

  #afterFault(watch: Watch, host: string, { status, fault }: Try): NextWatch {
    const { id } = messageOf(watch, watch.telling[0]!)
    const tell = (end: string): void =>
      this.#options.warn(`The webhook ${id} was not taken by ${host}: ${fault}. ${end}`)
    if (status === 410) {
      this.counts.refused++
      tell('It wants no more of this notification.')
      return undefined
    }
    const failures = watch.failures + 1
    const delay = (this.#options.retryDelays ?? RETRY_DELAYS)[watch.failures]
    if (delay === undefined) {
      this.counts.given_up++
      tell(`It is given up after ${failures} tries.`)
      return afterTelling(watch)
    }
    this.counts.failed++
    tell('It is tried again.')
    // A part is at random, so that what failed together does not come back together.
    const retryAt = Math.round(Date.now() + delay * (1 + Math.random() / 10))
    return { watch: { ...watch, failures, retryAt }, at: retryAt }
  }
}

/** The watch without what has been told; it has ended when nothing more can happen. */
function afterTelling(watch: Watch): NextWatch {
  const telling = watch.telling.slice(1)
  if (telling.length === 0 && watch.events.length === 0) return undefined
  return { watch: { ...watch, telling, failures: 0, retryAt: 0 }, at: Date.now() }
}
