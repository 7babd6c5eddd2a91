import { setTimeout as delay } from 'node:timers/promises'
import type { StreamPosition } from '../../../src/core/model/position.ts'
import type { Random } from './random.ts'
import { incarnationOf } from './reading.ts'
import { API_KEY } from './stage.ts'

/** Milliseconds that one attempt may take. */
const PATIENCE = 3000
/** After so long a backend gives up, in milliseconds. */
const GIVES_UP = 60_000
/** Shares of those that give up at the first error, and of those that send the same twice at once. */
const IMPATIENT = 0.03
const RACING = 0.05

/** One publication, and its fate. */
export interface Receipt {
  /** Stands in its `data`. */
  readonly name: string
  /** `failed`: refused for good, which is never right here. `indeterminate`: given up, so it may have been stored. */
  readonly outcome: 'acknowledged' | 'failed' | 'indeterminate'
  /** Its position in the log, if it was acknowledged. */
  readonly position?: StreamPosition
}

/** A backend that publishes to one channel, one after the other, and repeats with the same key until it is answered. */
export class Backend {
  readonly channel: string
  readonly receipts: Receipt[] = []
  retries = 0
  /** Answers that said `Idempotent-Replayed`. */
  replayed = 0
  /** Two answers to the same key that named different entries. */
  contradictions = 0
  readonly #path: string
  readonly #urls: readonly string[]
  readonly #random: Random
  #hurry = 0
  #ending = false

  constructor(channel: string, urls: readonly string[], random: Random) {
    this.channel = channel
    const id = channel.slice(channel.indexOf(':') + 1)
    this.#path = channel.startsWith('user:') ? `/notify/${id}` : `/rooms/${id}/messages`
    this.#urls = urls
    this.#random = random
  }

  /** Publishes so many a second, as well as it can, until `end` is called. */
  async run(rate: number): Promise<void> {
    const began = performance.now()
    for (let due = began; !this.#ending; due += 1000 / rate) {
      while (this.#hurry > 0 && !this.#ending) {
        await this.#publish()
        this.#hurry--
      }
      const wait = due - performance.now()
      if (wait > 0) await delay(wait)
      await this.#publish()
    }
  }

  /** The next so many are sent without a pause. */
  async burst(count: number): Promise<void> {
    this.#hurry += count
    while (this.#hurry > 0 && !this.#ending) await delay(50)
  }

  end(): void {
    this.#ending = true
  }

  async #publish(): Promise<void> {
    const name = `${this.channel}#${this.receipts.length + 1}`
    const gaveUpAt = performance.now() + GIVES_UP
    for (let attempt = 0; performance.now() < gaveUpAt; attempt++) {
      const racing = this.#random.happens(RACING) ? 2 : 1
      const answers = await Promise.all(
        Array.from({ length: racing }, (_, index) => this.#attempt(name, attempt + index)),
      )
      const positions = answers.filter((answer) => typeof answer === 'object')
      this.#compare(positions)
      const [position] = positions
      if (position !== undefined) return this.#note({ name, outcome: 'acknowledged', position })
      if (answers.includes('refused')) return this.#note({ name, outcome: 'failed' })
      if (this.#random.happens(IMPATIENT)) break
      this.retries++
      await delay(this.#random.between(20, 250))
    }
    this.#note({ name, outcome: 'indeterminate' })
  }

  /** The same key is the same entry, unless a wipe between them took the key along. */
  #compare(positions: readonly StreamPosition[]): void {
    const [first, second] = positions
    if (
      first === undefined ||
      second === undefined ||
      incarnationOf(first.epoch) !== incarnationOf(second.epoch)
    )
      return
    if (first.seq !== second.seq) this.contradictions++
  }

  #note(receipt: Receipt): void {
    this.receipts.push(receipt)
  }

  async #attempt(name: string, turn: number): Promise<StreamPosition | 'refused' | 'unknown'> {
    try {
      const response = await fetch(`${this.#urls[turn % this.#urls.length]}${this.#path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${API_KEY}`,
          'content-type': 'application/json',
          'idempotency-key': name,
        },
        body: JSON.stringify({ body: 'Your export is ready: report 2026-11 has 1,204 rows.', data: name }),
        signal: AbortSignal.timeout(PATIENCE),
      })
      const text = await response.text()
      if (response.headers.has('idempotent-replayed')) this.replayed++
      if (response.status === 201) return JSON.parse(text)
      return response.status < 500 && response.status !== 429 ? 'refused' : 'unknown'
    } catch {
      return 'unknown'
    }
  }
}
