/** The stretch of a user's log that a connection was sent and has yet to acknowledge. */
export class AckWindow {
  #above = 0

  /** Up to this seq the connection has nothing to acknowledge: it was not sent it, or has done so. */
  get above(): number {
    return this.#above
  }

  /** Begins behind this seq: what follows it is sent, and nothing before it. */
  beginAt(seq: number): void {
    this.#above = seq
  }

  /** Notes that the connection has processed everything up to this seq. */
  acknowledged(seq: number): void {
    this.#above = Math.max(this.#above, seq)
  }

  /** Widens the stretch down to this seq: what lies above it was shown by other means, or its numbers are given again. */
  reachesDownTo(seq: number): void {
    this.#above = Math.min(this.#above, seq)
  }
}
