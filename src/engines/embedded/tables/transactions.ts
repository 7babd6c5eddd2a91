import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { internalError, isFault } from '../../../core/lifecycle/faults.ts'
import { ServiceError } from '../../../core/model/errors.ts'

/** How much is written in one transaction before the event loop has a turn. */
const MAX_GROUP = 512

/** How often a group is tried, each time without the call that failed. */
const MAX_TRIES = 4

/** More than this many writes are not kept waiting: they would take longer than a caller is promised to wait. */
const MAX_WAITING = 50_000

/** The things that happen around a transaction to what is remembered of the tables. */
export interface Memory {
  /** Before the commit: writes what is left to write. */
  flush(): void
  /** After the commit: what is remembered is what the tables say. */
  confirm(): void
  /** After the transaction was taken back: forgets what it changed. */
  revert(): void
}

/** The part that writes the log of the database back into its file. */
export interface Backpressure {
  /** Resolves when the next transaction may begin; undefined if it may begin now. */
  ready(): Promise<void> | undefined
  /** Called after each transaction. */
  afterCommit(): void
}

interface Job {
  work: () => unknown
  resolve: (value: unknown) => void
  reject: (error: ServiceError) => void
  afterwards: ((value: unknown) => void) | undefined
  value: unknown
  refusal: ServiceError | undefined
}

/**
 * The only way to the tables. Writes of one turn of the event loop share a transaction, and nobody is told of one before it is
 * committed: a process that is killed in between would else give a seq twice.
 */
export class Transactions {
  readonly #database: DatabaseSync
  readonly #memory: Memory
  readonly #report: (error: unknown) => void
  readonly #backpressure: Backpressure | undefined
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #waiting: Job[] = []
  #scheduled = false
  #closed = false

  /** `report`: hears of faults of our own. */
  constructor(
    database: DatabaseSync,
    memory: Memory,
    report: (error: unknown) => void,
    backpressure?: Backpressure,
  ) {
    this.#database = database
    this.#memory = memory
    this.#report = report
    this.#backpressure = backpressure
    // At once with the right to write: a transaction that first reads could not write any more if another program wrote in between.
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
  }

  /**
   * Runs `work` in the next transaction. `afterwards` is called after the commit, in the order of the calls, and must not throw.
   *
   * A `ServiceError` that `work` throws rejects this call alone, so it must be thrown before anything was written. Any other error takes
   * back the whole transaction, which is tried again without that call: `work` may run several times. A failure of the database rejects
   * with `engine_unavailable`, and so do all calls when the commit fails; a fault of our own is reported, and rejects with `internal`.
   */
  write<T>(work: () => T, afterwards?: (value: T) => void): Promise<T> {
    if (this.#closed) return Promise.reject(closedError())
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(
        new ServiceError('engine_unavailable', 'too many writes are waiting for the disk'),
      )
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        work,
        resolve: resolve as Job['resolve'],
        reject,
        afterwards: afterwards as Job['afterwards'],
        value: undefined,
        refusal: undefined,
      })
      this.#schedule()
    })
  }

  /**
   * Runs `work`, which only reads, in a turn of its own: who reads again and again must not keep the writes waiting.
   * Rejects with `engine_unavailable` if the database fails, and with `internal` for a fault of our own, which is reported.
   */
  async read<T>(work: () => T): Promise<T> {
    this.assertOpen()
    await turn()
    this.assertOpen()
    try {
      return work()
    } catch (error) {
      throw this.#translate(error)
    }
  }

  /** Throws `shutting_down` after the close. */
  assertOpen(): void {
    if (this.#closed) throw closedError()
  }

  /** Commits what is waiting, and takes nothing more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    while (this.#waiting.length > 0) this.#writeGroup()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(async () => {
      await this.#backpressure?.ready()
      this.#scheduled = false
      // The close may have written it meanwhile.
      if (this.#waiting.length === 0) return
      this.#writeGroup()
      this.#backpressure?.afterCommit()
      if (this.#waiting.length > 0) this.#schedule()
    })
  }

  #writeGroup(): void {
    this.#write(this.#waiting.splice(0, MAX_GROUP))
  }

  #write(group: Job[], tries = MAX_TRIES): void {
    try {
      this.#transact(group)
    } catch (error) {
      this.#rejectFailed(group, error, tries)
      return
    }
    for (const { value, refusal, resolve, reject, afterwards } of group) {
      if (refusal !== undefined) {
        reject(refusal)
        continue
      }
      resolve(value)
      afterwards?.(value)
    }
  }

  /** One call's fault is not another's; but where several fail, it is the database's. */
  #rejectFailed(group: Job[], error: unknown, tries: number): void {
    const { job, cause } = error instanceof WorkError ? error : { job: undefined, cause: error }
    const translated = translate(cause)
    const others = job === undefined ? [] : group.filter((other) => other !== job)
    job?.reject(translated)
    if (job === undefined) for (const failed of group) failed.reject(translated)
    else if (tries > 1) this.#writeSome(others, tries - 1)
    else if (isFault(translated)) for (const other of others) this.#write([other])
    else for (const failed of others) failed.reject(translated)
    if (isFault(translated)) this.#report(translated)
  }

  #writeSome(group: Job[], tries: number): void {
    if (group.length > 0) this.#write(group, tries)
  }

  #translate(error: unknown): ServiceError {
    const translated = translate(error)
    if (isFault(translated)) this.#report(translated)
    return translated
  }

  #transact(group: Job[]): void {
    try {
      this.#begin.run()
      for (const job of group) {
        try {
          job.refusal = undefined
          job.value = job.work()
        } catch (error) {
          if (!(error instanceof ServiceError)) throw new WorkError(job, error)
          job.refusal = error
        }
      }
      this.#memory.flush()
      this.#commit.run()
      this.#memory.confirm()
    } catch (error) {
      this.#memory.revert()
      // After some errors, such as a full disk, SQLite has taken it back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}

/** An error that a call has thrown, and not the database around it. */
class WorkError extends Error {
  readonly job: Job

  constructor(job: Job, cause: unknown) {
    super('', { cause })
    this.job = job
  }
}

const closedError = (): ServiceError => new ServiceError('shutting_down', 'the engine has been closed')

/**
 * What SQLite says of the file and of the machine, by the primary result code (sqlite3.h, "Result Codes"): nobody's mistake in here. A damaged
 * file is not among them: it does not mend by itself, so somebody has to hear of it.
 */
const STORE_STATES: ReadonlySet<number> = new Set([
  5, // SQLITE_BUSY
  6, // SQLITE_LOCKED
  7, // SQLITE_NOMEM
  8, // SQLITE_READONLY
  9, // SQLITE_INTERRUPT
  10, // SQLITE_IOERR
  13, // SQLITE_FULL
  14, // SQLITE_CANTOPEN
])

/** The states of the store are `engine_unavailable`; everything else, a wrong statement included, is a fault of our own. */
function translate(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const { errcode, message } = error as { errcode?: number; message: string }
  // The upper bytes say more of the same code.
  if (errcode === undefined || !STORE_STATES.has(errcode & 0xff)) return internalError(error)
  return new ServiceError('engine_unavailable', `the database failed: ${message}`, { cause: error })
}
