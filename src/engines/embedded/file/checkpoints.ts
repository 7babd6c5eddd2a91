import { once } from 'node:events'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { Backpressure } from '../tables/transactions.ts'

/** A message to the thread: make a checkpoint, or end. */
export type Order = 'checkpoint' | 'end'

/** A message from the thread: it has made a checkpoint, or could not. */
export interface Report {
  error?: Error
}

/** The frames that are worth a checkpoint. A frame is a page of 4 KiB and 24 bytes; one that changes often is written back once for all its changes. */
const ENOUGH = 1000

/** The frames from which on the log is to begin anew. */
const LIMIT = 4000

/** Writes wait for the last checkpoint if at most so many frames are left: it takes a few milliseconds. */
const FEW = 200

/** The frames from which on writes wait however many are left: the file of the log stays below 64 MiB. */
const HELD_AT = 12_000

/** The longest time for which writes wait, in milliseconds. */
const LONGEST_HOLD = 250

/** The time between two checkpoints, in milliseconds. */
const PAUSE = 100

/** Where SQLite truncates the file of the log when it begins anew, in bytes. */
const FILE_LIMIT = 33_554_432

/**
 * Writes the log of a database (SQLite's WAL) back into its file, in a thread of its own, while transactions go on. Such a checkpoint waits for
 * nobody, and beside a busy writer it never reaches the last frame; but only then does the log begin anew. So when the log is long and few frames
 * are left, writes wait for one more checkpoint, and when the log grows too fast even for that, until the thread has caught up. The thread of the
 * server does not wait: what only reads goes on, and so do the connections.
 */
export class Checkpoints implements Backpressure {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #report: (error: unknown) => void
  /** Tells the frames of the log, and those that are written back. */
  readonly #look: StatementSync
  #worker: Worker | undefined
  #running = false
  #timer: NodeJS.Timeout | undefined
  /** The number of frames that were written back when the last checkpoint ended, to see whether the next one gets further. */
  #reached = 0
  #held: PromiseWithResolvers<void> | undefined
  #holdAt = HELD_AT
  #isClosed = false

  /** `path`: of the file. `report`: receives the errors of the thread. */
  constructor(database: DatabaseSync, path: string, report: (error: unknown) => void) {
    this.#database = database
    this.#path = path
    this.#report = report
    database.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${FILE_LIMIT}`)
    this.#look = database.prepare('PRAGMA wal_checkpoint(NOOP)')
  }

  ready(): Promise<void> | undefined {
    return this.#held?.promise
  }

  afterCommit(): void {
    if (this.#isClosed) return
    const { log, left } = this.#frames()
    if (log < LIMIT) this.#holdAt = HELD_AT
    if (left >= ENOUGH) this.#begin(log < LIMIT ? PAUSE : 0)
    if (log >= this.#holdAt && left > 0) {
      // If it is in vain, the log may grow for a while before it is tried again: what is written must be stored in time.
      this.#holdAt = log + LIMIT
      this.#hold()
    }
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#release()
    const worker = this.#worker
    if (worker === undefined) return
    worker.ref()
    const ended = once(worker, 'exit')
    worker.postMessage('end' satisfies Order)
    await ended
  }

  #frames(): { log: number; left: number } {
    try {
      const { log, checkpointed } = this.#look.get() as { log: number; checkpointed: number }
      return { log, left: log - checkpointed }
    } catch {
      // A database that cannot work fails its transactions as well, and that is noticed.
      return { log: 0, left: 0 }
    }
  }

  /** Begins a checkpoint after a pause in milliseconds, unless one is under way. */
  #begin(pause: number): void {
    if (this.#running) return
    this.#running = true
    const order = (): void => {
      this.#worker ??= this.#start()
      this.#worker.postMessage('checkpoint' satisfies Order)
    }
    if (pause === 0) order()
    else this.#timer = setTimeout(order, pause).unref()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), {
      workerData: { path: this.#path },
      execArgv: [],
    })
    worker.unref()
    worker.on('message', ({ error }: Report) => {
      if (error !== undefined) this.#report(error)
      this.#ended()
    })
    worker.on('error', (error) => {
      // Without the thread, SQLite makes the checkpoints within the transactions: slower, and as safe.
      this.#worker = undefined
      this.#database.exec(`PRAGMA wal_autocheckpoint = ${LIMIT}`)
      this.#report(error)
      this.#release()
    })
    return worker
  }

  /** The thread has made a checkpoint: no transaction is under way now. */
  #ended(): void {
    this.#running = false
    if (this.#isClosed) return
    const { log, left } = this.#frames()
    const gotFurther = log - left !== this.#reached
    this.#reached = log - left
    if (left === 0) {
      this.#release()
      return
    }
    if (log < LIMIT) return
    // Somebody who reads for long keeps the log from being written back: it is tried again, but not at once.
    if (!gotFurther) this.#release()
    if (gotFurther && left <= FEW) this.#hold()
    this.#begin(gotFurther ? 0 : PAUSE)
  }

  /** Lets the next transactions wait until everything is written back, or until it is known that it cannot be. */
  #hold(): void {
    if (this.#held !== undefined) return
    const held = Promise.withResolvers<void>()
    this.#held = held
    setTimeout(() => {
      if (this.#held === held) this.#release()
    }, LONGEST_HOLD).unref()
  }

  #release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }
}
