import cluster from 'node:cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperatorError } from '../core/model/errors.ts'
import type { ParentLog } from './parent-log.ts'
import { Slot } from './slot.ts'

/** Milliseconds between two looks at how many connections there are. */
const REPORT_INTERVAL = 5000

export interface WorkersOptions<Orders> {
  /** How many. */
  count: number
  /** What each is told at its start; it is sent as a structured clone. */
  orders: Orders
  log: ParentLog
}

/**
 * Copies of this program, which share the ports that they listen on: each connection is given to the next in turn. One that ends is followed
 * by another.
 */
export class Workers<Orders> {
  readonly log: ParentLog
  readonly #folder: string
  readonly #slots: readonly Slot<Orders>[]
  readonly #reports: NodeJS.Timeout
  #isClosing = false

  /** Throws an `OperatorError` if there is no place for their sockets. */
  constructor({ count, orders, log }: WorkersOptions<Orders>) {
    this.log = log
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
   * Starts them. Resolves with what the first has to say to whoever started this, when all take connections; rejects with an `OperatorError`
   * if one can't, and then none is left. Never settles if they are closed meanwhile.
   */
  async start(): Promise<string> {
    try {
      const [first, ...others] = this.#slots
      // What is wrong with the installation is wrong for all, and told once.
      const banner = await first!.start()
      await Promise.all(others.map((slot) => slot.start()))
      return banner
    } catch (error) {
      if (this.#isClosing) return new Promise(() => undefined)
      await this.close()
      throw error
    }
  }

  /** How many Socket.IO connections they have, as they last told. */
  connections(): number {
    return this.#slots.reduce((sum, { connections }) => sum + connections, 0)
  }

  /** Stops all, each as one stops alone, at the same time. Resolves when they have ended. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#reports)
    await Promise.all(this.#slots.map((slot) => slot.stop()))
    this.#removeFolder()
  }

  /** Ends all at once. */
  kill(): void {
    for (const slot of this.#slots) slot.kill()
    this.#removeFolder()
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Says now and then how many connections there are, if that has changed. */
function reportConnections(slots: readonly Slot<unknown>[], log: ParentLog): NodeJS.Timeout {
  let before = slots.map(() => 0)
  return setInterval(() => {
    const now = slots.map(({ connections }) => connections)
    if (now.every((count, index) => count === before[index])) return
    before = now
    const connections = now.reduce((sum, count) => sum + count)
    log.info(connections === 1 ? '1 connection' : `${connections} connections`, {
      connections,
      workers: Object.fromEntries(now.map((count, index) => [index + 1, count])),
    })
  }, REPORT_INTERVAL)
}

/** A folder that only this user can look into. */
function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'tabcast-'))
  } catch (error) {
    throw new OperatorError(
      `Several processes want a folder for their sockets, but ${(error as Error).message}. Set TMPDIR to one that can be written.`,
    )
  }
}
