import type { Arrival, Arrivals } from '../engine/arrivals.ts'

/** The most users in one call, so that no call takes the store long. */
const MAX_AT_ONCE = 64

/** A user whose connections have come. */
export interface Arriving {
  readonly user: string
  /** Called when the call is made, and once: returns the connections by then; undefined if they have all gone. Later ones need another call. */
  state(): number | undefined
}

interface Waiting {
  arriving: Arriving
  resolve(arrival: Arrival | undefined): void
  reject(error: unknown): void
}

/** The arrivals of one turn of the event loop, which go to the engine together. */
export class ArrivalBatch {
  readonly #arrivals: Arrivals
  #waiting: Waiting[] = []

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals
  }

  /** Resolves to what the engine has for a user; to undefined if all of the user's connections have gone. Rejects with the engine's error. */
  add(arriving: Arriving): Promise<Arrival | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ arriving, resolve, reject }) === 1) setImmediate(this.#flush)
    })
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length; start += MAX_AT_ONCE)
      void this.#enter(waiting.slice(start, start + MAX_AT_ONCE))
  }

  async #enter(waiting: readonly Waiting[]): Promise<void> {
    const entering: Waiting[] = []
    const users = []
    for (const one of waiting) {
      const connections = one.arriving.state()
      if (connections === undefined) one.resolve(undefined)
      else {
        entering.push(one)
        users.push({ user: one.arriving.user, connections })
      }
    }
    if (users.length === 0) return
    const results = await this.#arrivals.enter(users)
    for (const [index, { resolve, reject }] of entering.entries()) {
      const result = results[index]!
      if (result.status === 'fulfilled') resolve(result.value)
      else reject(result.reason)
    }
  }
}
