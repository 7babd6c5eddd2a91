/** A stretch of a user's log: everything above the seq `above`, up to `seq`. */
export interface AckRange {
  above: number
  seq: number
}

/** The stretch of a user's log that a connection was sent and has yet to acknowledge. */
export class AckWindow {
  #above = 0
  /** Processed by the connection, and not noted yet; a seq of 0: nothing. */
  #processed: AckRange = NOTHING
  /** The same, while it is being noted. */
  #noting: AckRange = NOTHING
  /** Somebody waits for an acknowledgement of something between these two; a last one of 0: nobody does. */
  #firstAwaited = 0
  #lastAwaited = 0

  /** Up to this seq the connection has nothing to acknowledge: it was not sent it, or has done so. */
  get above(): number {
    return this.#above
  }

  /** Begins behind this seq: what follows it is sent, and nothing before it. */
  beginAt(seq: number): void {
    this.#above = seq
  }

  /** Notes that somebody waits until this seq, which is sent now, is acknowledged. */
  awaits(seq: number): void {
    if (this.#lastAwaited === 0 || seq < this.#firstAwaited) this.#firstAwaited = seq
    if (seq > this.#lastAwaited) this.#lastAwaited = seq
  }

  /** Takes down that the connection has processed everything up to this seq. Returns true if somebody may wait to learn of it. */
  process(seq: number): boolean {
    const { above, seq: before } = this.#processed
    this.#processed = {
      above: before === 0 ? this.#above : Math.min(above, this.#above),
      seq: Math.max(before, seq),
    }
    if (this.#lastAwaited === 0 || seq < this.#firstAwaited) return false
    // Which of those behind this seq it is was not kept, so the next one counts as awaited.
    this.#firstAwaited = seq + 1
    if (seq >= this.#lastAwaited) this.#lastAwaited = 0
    return true
  }

  /** Returns what has been processed and is to be noted now; `settle` must follow. Undefined if there is nothing, or no longer. */
  take(): AckRange | undefined {
    this.#noting = this.#processed
    this.#processed = NOTHING
    return this.#noting.seq > this.#noting.above ? this.#noting : undefined
  }

  /** What was taken has been noted, or (`noted` is false) is to be acknowledged again. */
  settle(noted: boolean): void {
    if (noted) this.#above = Math.max(this.#above, this.#noting.seq)
    this.#noting = NOTHING
  }

  /** Widens the stretch down to this seq: what lies above it was shown by other means, and somebody may wait for that. */
  reachesDownTo(seq: number): void {
    if (seq >= this.#above) return
    this.awaits(seq + 1)
    this.awaits(this.#above)
    this.#above = seq
  }

  /** The numbers above this seq are given again: what was processed of the old ones is not processed of the new ones. */
  beginsAnewAt(seq: number): void {
    this.#above = Math.min(this.#above, seq)
    this.#processed = cut(this.#processed, seq)
    this.#noting = cut(this.#noting, seq)
  }
}

const NOTHING: AckRange = { above: 0, seq: 0 }

const cut = (range: AckRange, seq: number): AckRange =>
  range.seq <= seq ? range : { above: range.above, seq }
