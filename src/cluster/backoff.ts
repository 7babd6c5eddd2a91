/** Milliseconds before the first restart, and before one after many failures, before jitter. */
const LEAST = 200
const MOST = 10_000

/** A process that lived so long, in milliseconds, has no failure that a restart repeats at once. */
const HEALTHY = 30_000

/** How long to wait before a process that ended is started again: longer each time, unless it lived for a while, and never for all the same. */
export class Backoff {
  #next = LEAST

  /** Milliseconds to wait now; `lived`: how long the one that ended was there. */
  after(lived: number): number {
    const delay = lived >= HEALTHY ? LEAST : this.#next
    this.#next = Math.min(MOST, delay * 2)
    return delay * (0.5 + Math.random() / 2)
  }
}
