/** How many requests are under way at once, and how many of them to one receiver, so that a dead one does not take everybody's places. */
const MAX_REQUESTS = 20
const MAX_PER_HOST = 4

/** How many wait here for a place at one receiver, and for how long, in milliseconds; the others come again later. */
const MAX_WAITING = 20
const WAIT = 2000

/** After how many milliseconds who found no place comes again: later where the last request failed. */
const SOON = 1000
const LATER = 30_000

interface Waiter {
  host: string
  /** Lets it in, or sends it away. */
  answer(enters: boolean): void
}

/** Who is being called, and who waits for a place to call. */
export class HostLimits {
  readonly #calls = new Map<string, number>()
  /** The hosts at which the last request failed, and until when that counts, in milliseconds since the epoch. */
  readonly #failing = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  #requests = 0

  /** Resolves to whether there is a place at a host, after waiting a little for one. Who has got it gives it back with `leave`. */
  async enter(host: string): Promise<boolean> {
    if (this.#hasPlace(host)) return this.#take(host)
    const waiting = this.#waiters.values().filter((waiter) => waiter.host === host)
    if (this.#isFailing(host) || [...waiting].length >= MAX_WAITING) return false
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter.answer(false), WAIT)
      const waiter: Waiter = {
        host,
        answer: (enters) => {
          clearTimeout(timer)
          this.#waiters.delete(waiter)
          resolve(enters && this.#take(host))
        },
      }
      this.#waiters.add(waiter)
    })
  }

  /** Gives a place back; `well` says whether the request succeeded. */
  leave(host: string, well: boolean): void {
    this.#requests--
    const calls = this.#calls.get(host)! - 1
    if (calls > 0) this.#calls.set(host, calls)
    else this.#calls.delete(host)
    this.#note(host, well)
    for (const waiter of this.#waiters)
      if (this.#isFailing(waiter.host)) waiter.answer(false)
      else if (this.#hasPlace(waiter.host)) waiter.answer(true)
  }

  /** In how many milliseconds to ask again for a place; a part is at random, so that those who wait do not all come at once. */
  patience(host: string): number {
    const least = this.#isFailing(host) ? LATER : SOON
    return least + Math.round(Math.random() * least)
  }

  #hasPlace(host: string): boolean {
    return this.#requests < MAX_REQUESTS && (this.#calls.get(host) ?? 0) < MAX_PER_HOST
  }

  #take(host: string): true {
    this.#requests++
    this.#calls.set(host, (this.#calls.get(host) ?? 0) + 1)
    return true
  }

  #isFailing(host: string): boolean {
    return (this.#failing.get(host) ?? 0) > Date.now()
  }

  #note(host: string, well: boolean): void {
    const now = Date.now()
    for (const [known, until] of this.#failing) if (until <= now) this.#failing.delete(known)
    if (well) this.#failing.delete(host)
    else this.#failing.set(host, now + LATER)
  }
}
