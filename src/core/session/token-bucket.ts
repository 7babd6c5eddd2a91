/** A token bucket: limits a rate, but lets a burst through, by default as many as in a quarter of a second. */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #filledAt: number

  /** `rate`: tokens a second; `burst`: the most tokens at once; `now`: the time in milliseconds, from a clock that never goes back. */
  constructor(
    rate: number,
    {
      burst = Math.max(1, rate / 4),
      now = () => performance.now(),
    }: { burst?: number; now?: () => number } = {},
  ) {
    this.#rate = rate
    this.#burst = burst
    this.#now = now
    this.#tokens = this.#burst
    this.#filledAt = now()
  }

  /** Takes a token; returns false if there is none. */
  take(): boolean {
    const now = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) * this.#rate) / 1000)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
