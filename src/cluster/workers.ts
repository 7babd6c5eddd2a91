import cluster from 'node:cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperatorError } from '../core/model/errors.ts'
import { type ClusterLog, Slot } from './slot.ts'

/** Milliseconds between two looks at the number of connections. */
const REPORT_INTERVAL = 5000

/** The number of workers, and the parts that they are started with. */
export interface WorkersOptions<Orders> {
  count: number
  /** The orders that each receives at its start, as a structured clone. */
  orders: Orders
  log: ClusterLog
}

/**
 * Copies of this program that share the ports that they listen on: each connection goes to the next in turn. A process that ends is followed
 * by another.
 */
export class Workers<Orders> {
  readonly #folder: string
  readonly #slots: readonly Slot<Orders>[]
  readonly #reports: NodeJS.Timeout
  #isClosing = false

  /** Throws an `OperatorError` if the folder for their sockets cannot be made. */
  constructor({ count, orders, log }: WorkersOptions<Orders>) {
    const folder = makeFolder()
    this.#folder = folder
    this.#slots = Array.from(
      { length: count },
      (_, index) => new Slot({ slot: index + 1, folder, orders, log }),
    )
    this.#reports = reportConnections(this.#slots, log)
    // With a structured clone, keys and sets arrive as they are.
    cluster.setupPrimary({ serialization: 'advanced' })
    cluster.schedulingPolicy = cluster.SCHED_RR
  }

  /**
   * Starts them. Resolves to the banner of the first when all take connections; rejects with an `OperatorError` if one cannot start, and then
   * none is left. Stays pending for ever if they are closed meanwhile.
   */
  async start(): Promise<string> {
    try {
      const [first, ...others] = this.#slots
      // The first starts alone: what is wrong with the installation is wrong for all, and is reported once.
      const banner = await first!.start()
      await Promise.all(others.map((slot) => slot.start()))
      return banner
    } catch (error) {
      if (this.#isClosing) return new Promise(() => undefined)
      await this.close()
      throw error
    }
  }

  /** Returns the number of Socket.IO connections of all, as they last reported it. */
  connections(): number {
    return this.#slots.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Stops all gracefully, at the same time. Resolves when they have ended. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#reports)
    await Promise.all(this.#slots.map((slot) => slot.stop()))
    this.#removeFolder()
  }

  /** Whether one of them did not end by itself with exit code 0 when it was stopped. */
  wasCutShort(): boolean {
    return this.#slots.some((slot) => slot.wasCutShort)
  }

  /** Ends all of them at once, with SIGKILL. */
  kill(): void {
    for (const slot of this.#slots) slot.kill()
    this.#removeFolder()
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Logs the number of connections every few seconds, if it has changed. */
function reportConnections(slots: readonly Slot<unknown>[], log: ClusterLog): NodeJS.Timeout {
  let before = slots.map(() => 0)
  return setInterval(() => {
    const now = slots.map(({ connections }) => connections)
    if (now.every((count, index) => count === before[index])) return
    before = now
    const connections = now.reduce((sum, count) => sum + count)
    const perWorker = Object.fromEntries(now.map((count, index) => [index + 1, count]))
    const text = connections === 1 ? '1 connection' : `${connections} connections`
    log.info({ connections, workers: perWorker }, text)
  }, REPORT_INTERVAL)
}

/** Makes a folder that only this user can look into. Throws an `OperatorError`. */
function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'tabcast-'))
  } catch (error) {
    throw new OperatorError(
      `Several processes want a folder for their sockets, but ${(error as Error).message}. Set TMPDIR to one that can be written.`,
    )
  }
}
