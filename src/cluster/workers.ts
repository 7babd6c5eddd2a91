import cluster from 'node:cluster'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperatorError } from '../core/errors.ts'
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

/** The processes that share a port. */
export interface Workers {
  readonly log: ParentLog
  /** What the first one has to say to whoever started this. */
  readonly banner: string
  /** Stops all of them, each as it stops alone, at the same time. Resolves when they have ended. */
  close(): Promise<void>
  /** Ends all of them at once. */
  kill(): void
}

/**
 * Starts so many copies of this program, which share the ports that they listen on: each connection is given to the next in turn. One that
 * ends later is followed by another. Rejects with an `OperatorError` if one of the first can't start; then none is left.
 */
export async function startWorkers<Orders>(options: WorkersOptions<Orders>): Promise<Workers> {
  const { count, orders, log } = options
  // With a structured clone, keys and sets arrive as they are.
  cluster.setupPrimary({ serialization: 'advanced' })
  cluster.schedulingPolicy = cluster.SCHED_RR
  const folder = makeFolder()
  const slots = Array.from(
    { length: count },
    (_, index) => new Slot({ slot: index + 1, folder, orders, log }),
  )
  const close = async (): Promise<void> => {
    clearInterval(reports)
    await Promise.all(slots.map((slot) => slot.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  const reports = reportConnections(slots, log)
  try {
    const [first, ...others] = slots
    // What is wrong with the installation is wrong for all, and told once.
    const banner = await first!.start()
    await Promise.all(others.map((slot) => slot.start()))
    return {
      log,
      banner,
      close,
      kill() {
        for (const slot of slots) slot.kill()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await close()
    throw error
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
    log.info(`${connections} connections`, {
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
