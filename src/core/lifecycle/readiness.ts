import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from '../engine/engine.ts'

/** Milliseconds between two canaries while the engine is well, and while it is not. */
const INTERVAL = 1000
const INTERVAL_WHILE_AWAY = 100

/** Milliseconds from one loss that is reported to the next: an engine that comes and goes does not fill a log. */
const QUIET = 10_000

/** The listener to the state of the engine, as an operator wants to read it. */
export interface EngineListener {
  /** It answers for the first time. */
  found(): void
  /** It does not answer, for the reason that `Readiness` gives; also if it was not there at the start. */
  lost(reason: string): void
  /** It answers again, after a loss that was reported; it was away for so many seconds. */
  back(seconds: number): void
}

/** The readiness of this process for its work, proved by a canary through the engine and not by a connection that looks open. */
export class Readiness {
  #reason: string | undefined = 'the engine has not answered yet'
  #isFound = false
  #lostAt: number | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  #isTold = false
  readonly #listener: EngineListener | undefined
  readonly #stop = new AbortController()

  constructor(engine: Pick<Engine, 'probe'>, listener?: EngineListener) {
    this.#listener = listener
    void this.#watch(engine)
  }

  /** The reason for which the process is not ready; undefined if it is. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** True once the process is not to be ready any more, whatever the engine says. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** Ends the canaries: the process is not ready from now on, for this reason, which is no loss of the engine. */
  stop(reason: string): void {
    this.#stop.abort()
    this.#reason = reason
  }

  async #watch(engine: Pick<Engine, 'probe'>): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const reason = await engine.probe().then(
        () => undefined,
        (error: Error) => error.message,
      )
      if (signal.aborted) return
      this.#reason = reason
      if (reason === undefined) this.#answered()
      else this.#failed(reason)
      // The wait is cut short by the stop, which is no error.
      await delay(reason === undefined ? INTERVAL : INTERVAL_WHILE_AWAY, undefined, {
        signal,
        ref: false,
      }).catch(() => undefined)
    }
  }

  #answered(): void {
    if (this.#isTold && this.#lostAt !== undefined)
      this.#listener?.back((performance.now() - this.#lostAt) / 1000)
    this.#lostAt = undefined
    this.#isTold = false
    if (!this.#isFound) this.#listener?.found()
    this.#isFound = true
  }

  #failed(reason: string): void {
    const now = performance.now()
    this.#lostAt ??= now
    if (this.#isTold || now - this.#toldAt < QUIET) return
    this.#isTold = true
    this.#toldAt = now
    this.#listener?.lost(reason)
  }
}
