import { setTimeout as delay } from 'node:timers/promises'
import type { Engine } from './engine.ts'

/** Milliseconds between two canaries while the engine is well, and while it is not. */
const INTERVAL = 1000
const INTERVAL_WHILE_AWAY = 100

/** Whether this process can do its work, proved by a canary through the engine and not by a connection that looks open. */
export class Readiness {
  #reason: string | undefined = 'the engine has not answered yet'
  readonly #stop = new AbortController()

  constructor(engine: Engine) {
    void this.#watch(engine)
  }

  /** Why the process is not ready; undefined if it is. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** Ends the canaries: the process is not ready from now on, for this reason. */
  stop(reason: string): void {
    this.#stop.abort()
    this.#reason = reason
  }

  async #watch(engine: Engine): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const reason = await engine.probe().then(
        () => undefined,
        (error: Error) => error.message,
      )
      if (signal.aborted) return
      this.#reason = reason
      // The wait is cut short by the stop, which is no error.
      await delay(reason === undefined ? INTERVAL : INTERVAL_WHILE_AWAY, undefined, {
        signal,
        ref: false,
      }).catch(() => undefined)
    }
  }
}
