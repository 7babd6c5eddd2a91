/** The most requests at once, and the most of them to one receiver, so that a dead one does not take up all of them. */
const MAX_REQUESTS = 20
const MAX_PER_HOST = 4

/** The most callers that wait for one receiver, and the most milliseconds for which they wait; the others come again later. */
const MAX_WAITING = 20
const WAIT = 2000

/** The least milliseconds after which a caller that was turned away comes again: more where the last request failed. */
const SOON = 1000
const LATER = 30_000

interface Waiter {
  host: string
  /** Lets the caller in, or turns it away. */
  answer(enters: boolean): void
}

/** The limits on requests: how many are under way at each host, and which callers wait. */
export class HostLimits {
  readonly #calls = new Map<string, number>()
  /** The hosts at which the last request failed, each with the time until which that counts, in milliseconds since the epoch. */
  readonly #failing = new Map<string, number>()
  readonly #waiters = new Set<Waiter>()
  #requests = 0

  /** Resolves to true if a request to a host may begin, after waiting a moment if need be. Each `true` has to be followed by `leave`. */
  async enter(host: string): Promise<boolean> {
    if (this.#isFree(host)) return this.#take(host)
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

  /** Ends a request to a host; `succeeded`: whether it did. */
  leave(host: string, succeeded: boolean): void {
    this.#requests--
    const calls = this.#calls.get(host)! - 1
    if (calls > 0) this.#calls.set(host, calls)
    else this.#calls.delete(host)
    this.#note(host, succeeded)
    for (const waiter of this.#waiters)
      if (this.#isFailing(waiter.host)) waiter.answer(false)
      else if (this.#isFree(waiter.host)) waiter.answer(true)
  }

  /** Milliseconds after which a caller that was turned away should come again, with jitter, so that they do not all come at once. */
  patience(host: string): number {
    const least = this.#isFailing(host) ? LATER : SOON
    return least + Math.round(Math.random() * least)
  }

  #isFree(host: string): boolean {
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

  #note(host: string, succeeded: boolean): void {
    const now = Date.now()
    for (const [known, until] of this.#failing) if (until <= now) this.#failing.delete(known)
    if (succeeded) this.#failing.delete(host)
    else this.#failing.set(host, now + LATER)
  }
}
