/** The last `ack` of a tab that waits to be worked on. A later one says all that it says: a page that acknowledges a long replay waits for few. */
export class WaitingAck {
  #waiting: unknown[] | undefined

  /** Whether the one that waits stands for this one, too. If not, this one waits from now on, until it has `begun`. */
  absorbs(args: unknown[]): boolean {
    const [seq] = args
    const [before] = this.#waiting ?? []
    // One that asks for an answer has it to itself.
    if (this.#waiting?.length === 1 && args.length === 1 && isAfter(seq, before)) {
      this.#waiting[0] = seq
      return true
    }
    this.#waiting = args
    return false
  }

  /** It is this one's turn, and what comes now waits anew. */
  begun(args: unknown[]): void {
    if (this.#waiting === args) this.#waiting = undefined
  }
}

const isAfter = (seq: unknown, before: unknown): boolean =>
  typeof seq === 'number' && typeof before === 'number' && seq > before
