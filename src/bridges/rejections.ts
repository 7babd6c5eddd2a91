/** How long a door keeps quiet after it has told of a rejection, in milliseconds. */
const QUIET = 60_000

/** Counts what the doors refuse, and tells why now and then: each message of a flood is counted, none of them fills the log. */
export class Rejections {
  /** By door. */
  readonly counts: Record<string, number> = {}
  readonly #warn: (text: string) => void
  readonly #toldAt = new Map<string, number>()

  constructor(warn: (text: string) => void) {
    this.#warn = warn
  }

  add(door: string, reason: string): void {
    this.counts[door] = (this.counts[door] ?? 0) + 1
    const now = performance.now()
    if (now - (this.#toldAt.get(door) ?? Number.NEGATIVE_INFINITY) < QUIET) return
    this.#toldAt.set(door, now)
    this.#warn(
      `the door ${door} has refused something: ${reason}; for a minute only its counter tells of others`,
    )
  }
}
