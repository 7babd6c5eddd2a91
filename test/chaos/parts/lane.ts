import { setTimeout as delay } from 'node:timers/promises'
import type { StreamPosition } from '../../../src/core/model/position.ts'

/** After so long without an answer an attempt counts as hung, in milliseconds. */
const HUNG = 10_000

/** Milliseconds for which a backend waits before it repeats a post. */
const REPEAT_PAUSE = 200

/** The API that is posted to. */
export interface Api {
  readonly url: string
  readonly apiKey: string
}

/** One publication that was answered with 201. */
export interface Taken extends StreamPosition {
  /** Stands in its `data`. */
  readonly name: string
}

/** A backend that publishes to one channel, one after the other: each with a key, repeated until it is taken. */
export class Lane {
  readonly channel: string
  readonly taken: Taken[] = []
  /** Number of attempts that were answered with each status; 0 stands for a connection that failed, -1 for one that hung. */
  readonly statuses: Record<number, number> = {}
  /** Number of answers that said `Idempotent-Replayed`. */
  replayed = 0
  /** The longest that an attempt took, in milliseconds. */
  slowest = 0
  readonly #api: Api
  readonly #path: string
  readonly #body: string
  #next = Promise.withResolvers<void>()
  #running: Promise<void> = Promise.resolve()
  #ending = false
  #abandoned = false

  /** `channel`: `user:<id>` or `room:<id>`; `size`: how many characters of text each publication has. */
  constructor(api: Api, channel: string, size = 100) {
    const id = encodeURIComponent(channel.slice(channel.indexOf(':') + 1))
    this.channel = channel
    this.#api = api
    this.#path = channel.startsWith('user:') ? `/notify/${id}` : `/rooms/${id}/messages`
    this.#body = 'x'.repeat(size)
  }

  /** Number of times that it was tried, over all publications. */
  get attempts(): number {
    return Object.values(this.statuses).reduce((sum, count) => sum + count, 0)
  }

  /** Publishes so many. */
  async post(count = 1): Promise<void> {
    for (let index = 0; index < count; index++) {
      const name = `${this.channel}#${this.taken.length + 1}`
      while (!this.#abandoned && !(await this.#attempt(name))) await delay(REPEAT_PAUSE)
    }
  }

  /** Publishes until `end` is called, with a pause of so many milliseconds between two. */
  run(pause = 0): void {
    this.#running = this.#run(pause)
  }

  /** Resolves when so many have been taken in all. */
  async reaches(count: number): Promise<void> {
    while (this.taken.length < count) await this.#next.promise
  }

  /** Ends what `run` began; resolves when the last one has been taken. */
  async end(): Promise<void> {
    this.#ending = true
    await this.#running
  }

  /** Ends it even if what is under way is never taken. */
  abandon(): Promise<void> {
    this.#abandoned = true
    return this.end()
  }

  async #run(pause: number): Promise<void> {
    while (!this.#ending) {
      await this.post()
      if (pause > 0) await delay(pause)
    }
  }

  /** Answers whether it was taken. */
  async #attempt(name: string): Promise<boolean> {
    const began = performance.now()
    const { status, position } = await this.#send(name)
    this.slowest = Math.max(this.slowest, performance.now() - began)
    this.statuses[status] = (this.statuses[status] ?? 0) + 1
    if (position === undefined) return false
    this.taken.push({ name, seq: position.seq, epoch: position.epoch })
    this.#next.resolve()
    this.#next = Promise.withResolvers()
    return true
  }

  async #send(name: string): Promise<{ status: number; position?: StreamPosition }> {
    try {
      const response = await fetch(this.#api.url + this.#path, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${this.#api.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': name,
        },
        body: JSON.stringify({ body: this.#body, data: name }),
        signal: AbortSignal.timeout(HUNG),
      })
      const text = await response.text()
      const { status } = response
      if (status !== 201) return { status }
      if (response.headers.has('idempotent-replayed')) this.replayed++
      return { status, position: JSON.parse(text) }
    } catch (error) {
      return { status: (error as Error).name === 'TimeoutError' ? -1 : 0 }
    }
  }
}
