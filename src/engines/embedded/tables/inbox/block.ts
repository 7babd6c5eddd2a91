/** A state that a notification has in the tables: those that users give, and its delivery. */
export type StoredState = 'seen' | 'read' | 'archived' | 'delivered'

/** The places of one block: the notifications of so many seqs in a row. */
export const PLACES = 128

/** The flag of each state. */
export const FLAGS: Readonly<Record<StoredState, number>> = { seen: 1, read: 2, archived: 4, delivered: 8 }

/** A notification with one of these flags is not unread. */
export const NOT_UNREAD = FLAGS.read | FLAGS.archived

/** A notification with one of these flags is not unseen. */
export const NOT_UNSEEN = NOT_UNREAD | FLAGS.seen

const TIMES = 4
const TIME_BYTES = 6
const HIGH = 2 ** 32

/**
 * The states of the notifications at the seqs of one block. As bytes, each place that has a state is its number within the block, its flags, and
 * six bytes of milliseconds since the epoch per flag, the lowest flag first. So a block is as long as what was marked in it.
 */
export class Block {
  readonly #flags = new Uint8Array(PLACES)
  readonly #times = new Float64Array(PLACES * TIMES)
  /** True if it differs from the bytes that it was read from. */
  isChanged = false

  /** Reads the bytes; undefined for a block without any state. */
  constructor(bytes: Uint8Array | undefined) {
    if (bytes === undefined) return
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = 0; at < bytes.length; ) {
      const place = bytes[at++]!
      const flags = bytes[at++]!
      this.#flags[place] = flags
      for (let state = 0; state < TIMES; state++) {
        if ((flags & (1 << state)) === 0) continue
        this.#times[place * TIMES + state] = view.getUint16(at) * HIGH + view.getUint32(at + 2)
        at += TIME_BYTES
      }
    }
  }

  /** The flags of a place. */
  flagsAt(place: number): number {
    return this.#flags[place]!
  }

  /** The time of a state, in milliseconds since the epoch; undefined if the place does not have it. */
  timeAt(place: number, flag: number): number | undefined {
    return (this.#flags[place]! & flag) === 0 ? undefined : this.#times[place * TIMES + stateOf(flag)]
  }

  /** Gives a state at a time, or takes it away (undefined). */
  set(place: number, flag: number, time: number | undefined): void {
    this.isChanged = true
    if (time === undefined) {
      this.#flags[place]! &= ~flag
      return
    }
    this.#flags[place]! |= flag
    this.#times[place * TIMES + stateOf(flag)] = time
  }

  /** Takes all states away. */
  clear(place: number): void {
    if (this.#flags[place] === 0) return
    this.isChanged = true
    this.#flags[place] = 0
  }

  /** Counts the places that have one of these flags. */
  count(flags: number): number {
    let count = 0
    for (const there of this.#flags) if ((there & flags) !== 0) count++
    return count
  }

  /** The bytes; undefined if no place has a state. */
  get bytes(): Uint8Array | undefined {
    const bytes = new Uint8Array(PLACES * (2 + TIMES * TIME_BYTES))
    const view = new DataView(bytes.buffer)
    let at = 0
    for (let place = 0; place < PLACES; place++) {
      const flags = this.#flags[place]!
      if (flags === 0) continue
      bytes[at++] = place
      bytes[at++] = flags
      for (let state = 0; state < TIMES; state++) {
        if ((flags & (1 << state)) === 0) continue
        const time = this.#times[place * TIMES + state]!
        const high = Math.floor(time / HIGH)
        view.setUint16(at, high)
        view.setUint32(at + 2, time - high * HIGH)
        at += TIME_BYTES
      }
    }
    return at === 0 ? undefined : bytes.subarray(0, at)
  }
}

/** The number of a flag. */
const stateOf = (flag: number): number => 31 - Math.clz32(flag)
