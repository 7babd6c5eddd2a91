/** What a connection was sent of a user's log, and has yet to acknowledge. */
export class AckWindow {
  #above = 0

  /** Of what lies up to this seq the connection has nothing to acknowledge: it was not sent it, or has done so. */
  get above(): number {
    return this.#above
  }

  /** What follows on this seq is sent, and nothing before it. */
  beginAt(seq: number): void {
    this.#above = seq
  }

  /** The connection has processed everything up to this seq. */
  acknowledged(seq: number): void {
    this.#above = Math.max(this.#above, seq)
  }

  /** The connection was shown by other means what lies above this seq, or its numbers are given again. */
  reachesDownTo(seq: number): void {
    this.#above = Math.min(this.#above, seq)
  }
}
