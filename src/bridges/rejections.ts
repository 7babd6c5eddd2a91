/** The time after a warning in which no other is logged for the same source, in milliseconds. */
const QUIET = 60_000

/** Counts what the bridges and compatible APIs refuse, and logs why, at most once a minute for each: a flood must not fill the log. */
export class Rejections {
  /** The number of refusals, by source: `redis-publish`, `redis-stream`, `socketio-emitter`, `pusher-api`, `get-api`. */
  readonly counts: Record<string, number> = {}
  readonly #warn: (text: string) => void
  readonly #warnedAt = new Map<string, number>()

  /** `warn` writes to the log. */
  constructor(warn: (text: string) => void) {
    this.#warn = warn
  }

  /** Counts one refusal of a source, and logs its reason unless one was logged within the last minute. */
  add(source: string, reason: string): void {
    this.counts[source] = (this.counts[source] ?? 0) + 1
    const now = performance.now()
    if (now - (this.#warnedAt.get(source) ?? Number.NEGATIVE_INFINITY) < QUIET) return
    this.#warnedAt.set(source, now)
    this.#warn(
      `${source} refused something: ${reason}; for a minute, further refusals are only counted, in tabcast_foreign_rejected_total`,
    )
  }
}
