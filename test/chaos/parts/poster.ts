import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Balancer } from './balancer.ts'

/** Milliseconds until it posts again what is due. */
const TICK = 25

/** Number of posts that may be under way: a backend that falls behind would else open connections without end, and fall behind further. */
const AT_ONCE = 100

/** A backend that notifies one user after the other at a steady rate, each time through the API that a balancer names. */
export class Poster {
  posts = 0
  /** Number of posts that were repeated with their key because Redis did not answer in time. */
  timeouts = 0
  /** The answer of each post that failed. */
  readonly failed: string[] = []
  readonly #accepted = new Map<string, number>()
  readonly #apis: Balancer
  readonly #users: readonly string[]
  readonly #rate: number
  readonly #running: Promise<void>
  #ending = false
  #open = 0

  /** `rate`: how many a second in all. */
  constructor(apis: Balancer, users: readonly string[], rate: number) {
    this.#apis = apis
    this.#users = users
    this.#rate = rate
    this.#running = this.#run()
  }

  /** Stops, and resolves with how many were accepted for each user, once all have been answered. */
  async end(): Promise<ReadonlyMap<string, number>> {
    this.#ending = true
    await this.#running
    return this.#accepted
  }

  async #run(): Promise<void> {
    const began = performance.now()
    const posting: Promise<void>[] = []
    while (!this.#ending) {
      while (this.#open < AT_ONCE && this.posts < ((performance.now() - began) / 1000) * this.#rate)
        posting.push(this.#post(this.#users[this.posts++ % this.#users.length]!))
      await delay(TICK)
    }
    await Promise.all(posting)
  }

  async #post(user: string): Promise<void> {
    const key = randomUUID()
    this.#open++
    try {
      let { status, text } = await this.#call(user, key)
      while (text.includes('"engine_timeout"')) {
        this.timeouts++
        ;({ status, text } = await this.#call(user, key))
      }
      if (status !== 201) throw new Error(`${status} ${text}`)
      this.#accepted.set(user, (this.#accepted.get(user) ?? 0) + 1)
    } catch (error) {
      this.failed.push(String((error as Error).cause ?? error))
    } finally {
      this.#open--
    }
  }

  async #call(user: string, key: string): Promise<{ status: number; text: string }> {
    const { url, apiKey } = this.#apis.next()
    const response = await fetch(`${url}/notify/${user}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({ title: 'Your export is ready', body: '1,204 rows' }),
    })
    return { status: response.status, text: await response.text() }
  }
}
