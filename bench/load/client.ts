import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import type { jobs } from './jobs.ts'

type Jobs = typeof jobs

interface Answer {
  id: number
  answer?: unknown
  error?: string
}

/** A load process of its own: whoever makes the load has neither the servers' memory nor their event loop. */
export class LoadClient {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, answer, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(answer)
      else waiting?.reject(new Error(error))
    })
    child.once('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`a load process ended with ${code ?? signal}`))
    })
  }

  /** Starts a process, with a priority as of `nice`: below 0 only root may. */
  static async start(priority: number): Promise<LoadClient> {
    const child = fork(join(import.meta.dirname, 'process.ts'), {
      serialization: 'advanced',
      execArgv: ['--max-semi-space-size=32'],
    })
    await once(child, 'spawn')
    try {
      setPriority(child.pid!, priority)
    } catch {
      // It then keeps the priority that all have, and says by how much it was late.
    }
    return new LoadClient(child)
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Has a job done; rejects with what went wrong there. */
  call<Name extends keyof Jobs>(job: Name, argument: Parameters<Jobs[Name]>[0]): ReturnType<Jobs[Name]> {
    const id = this.#calls++
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    this.#child.send({ id, job, argument })
    return waiting.promise as ReturnType<Jobs[Name]>
  }

  /** Ends it, with all its connections. */
  async stop(): Promise<void> {
    if (!this.#child.connected) return
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
  }
}
