import { alertsIn, type Publication, withAlert } from '../model/publication.ts'

/** The least time between two updates of the same task, in milliseconds: four a second are enough for an eye. */
export const PROGRESS_PAUSE = 250

/**
 * Thins out the progress of tasks on one channel: the first is handed on at once, and of those that follow within the pause only the
 * newest, at its end. Whatever else comes goes at once, after what is held, so that nothing overtakes.
 */
export class Coalescer {
  readonly #handOn: (publication: Publication) => void
  /** When the next progress of a task may go, by the id of its notification; soonest first. In `performance.now()`. */
  readonly #due = new Map<string, number>()
  /** The newest progress of each task that waits, by the same id; in seq order. */
  readonly #held = new Map<string, Publication>()
  #timer: NodeJS.Timeout | undefined
  /** When the timer fires. */
  #firesAt = Number.POSITIVE_INFINITY

  /** `handOn` is called in seq order, by `take`, by `flush`, or later. */
  constructor(handOn: (publication: Publication) => void) {
    this.#handOn = handOn
  }

  /** Hands a publication on, now or at the end of the pause. */
  take(publication: Publication): void {
    const { id, event } = publication
    if (event === 'progress') {
      this.#takeProgress(publication)
      return
    }
    if (event === 'notification' && this.#due.size > 0) {
      // It has the place of what is held.
      this.#held.delete(id)
      this.#due.delete(id)
    }
    this.flush()
    this.#handOn(publication)
  }

  /** Hands on what is held, now. */
  flush(): void {
    if (this.#timer === undefined) return
    const held = [...this.#held.values()]
    this.drop()
    for (const publication of held) this.#pass(publication)
  }

  /** Forgets what is held: who wants it finds it in the log. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#firesAt = Number.POSITIVE_INFINITY
    this.#held.clear()
  }

  #takeProgress(publication: Publication): void {
    const { id } = publication
    const held = this.#held.get(id)
    // An alert is not lost with the one that was to give it.
    const newest = held !== undefined && alertsIn(held) ? withAlert(publication, true) : publication
    this.#held.delete(id)
    const due = this.#due.get(id) ?? 0
    if (due <= performance.now()) {
      this.flush()
      this.#pass(newest)
      return
    }
    this.#held.set(id, newest)
    if (due < this.#firesAt) this.#wakeAt(due)
  }

  #pass(publication: Publication): void {
    const now = performance.now()
    for (const [id, due] of this.#due) {
      if (due > now) break
      this.#due.delete(id)
    }
    this.#due.delete(publication.id)
    this.#due.set(publication.id, now + PROGRESS_PAUSE)
    this.#handOn(publication)
  }

  #wakeAt(time: number): void {
    clearTimeout(this.#timer)
    this.#firesAt = time
    const pause = Math.max(1, Math.ceil(time - performance.now()))
    this.#timer = setTimeout(() => this.flush(), pause).unref()
  }
}
