/** The last `ack` of a tab that waits for its turn. A later one includes it: a page that acknowledges a long replay waits for few of them. */
export class WaitingAck {
  #waiting: unknown[] | undefined

  /** True if the one that waits now stands for this one, too. If not, this one waits from now on, until it has `begun`. */
  absorbs(args: unknown[]): boolean {
    const [seq] = args
    const [before] = this.#waiting ?? []
    // One that asks for an answer gets its own.
    if (this.#waiting?.length === 1 && args.length === 1 && isAfter(seq, before)) {
      this.#waiting[0] = seq
      return true
    }
    this.#waiting = args
    return false
  }

  /** Notes that the turn of this one has come; the next one waits anew. */
  begun(args: unknown[]): void {
    if (this.#waiting === args) this.#waiting = undefined
  }
}

const isAfter = (seq: unknown, before: unknown): boolean =>
  typeof seq === 'number' && typeof before === 'number' && seq > before
