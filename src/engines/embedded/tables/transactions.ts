import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { ServiceError } from '../../../core/model/errors.ts'

/** How much is written in one transaction before the event loop has a turn. */
const MAX_GROUP = 512

/** How often a group is tried, each time without the call that failed. */
const MAX_TRIES = 4

/** More than this many writes are not kept waiting: they would take longer than a caller is promised to wait. */
const MAX_WAITING = 50_000

/** What has to happen around a transaction to what is remembered of the tables. */
export interface Memory {
  /** Before the commit: writes what is left to write. */
  flush(): void
  /** After the commit: what is remembered is what the tables say. */
  confirm(): void
  /** After the transaction was taken back: forgets what it changed. */
  revert(): void
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
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #waiting: Job[] = []
  #scheduled = false
  #closed = false

  constructor(database: DatabaseSync, memory: Memory) {
    this.#database = database
    this.#memory = memory
    this.#begin = database.prepare('BEGIN')
    this.#commit = database.prepare('COMMIT')
  }

  /**
   * Runs `work` in the next transaction. `afterwards` is called after the commit, in the order of the calls, and must not throw.
   *
   * A `ServiceError` that `work` throws rejects this call alone, so it must be thrown before anything was written. Any other error takes
   * back the whole transaction, which is tried again without that call: `work` may run several times. It is rejected with
   * `engine_unavailable`, and so are all when the commit fails.
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
   * Rejects with `engine_unavailable` if the database fails.
   */
  async read<T>(work: () => T): Promise<T> {
    this.assertOpen()
    await turn()
    this.assertOpen()
    try {
      return work()
    } catch (error) {
      throw unavailable(error)
    }
  }

  /** Throws `shutting_down` after the close. */
  assertOpen(): void {
    if (this.#closed) throw closedError()
  }

  /** Commits what is waiting and closes the database. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    while (this.#waiting.length > 0) this.#writeGroup()
    this.#database.close()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#writeGroup()
      if (this.#waiting.length > 0) this.#schedule()
    })
  }

  #writeGroup(): void {
    const group = this.#waiting.splice(0, MAX_GROUP)
    if (group.length > 0) this.#write(group)
  }

  #write(group: Job[], tries = MAX_TRIES): void {
    try {
      this.#transact(group)
    } catch (error) {
      const { job, cause } = error instanceof WorkError ? error : { job: undefined, cause: error }
      // One call's fault is not another's; but where several fail, it is the database's.
      const others = job === undefined || tries === 1 ? [] : group.filter((other) => other !== job)
      for (const failed of group) if (!others.includes(failed)) failed.reject(unavailable(cause))
      if (others.length > 0) this.#write(others, tries - 1)
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

/** What a call has thrown, and not the database around it. */
class WorkError extends Error {
  readonly job: Job

  constructor(job: Job, cause: unknown) {
    super('', { cause })
    this.job = job
  }
}

const closedError = (): ServiceError => new ServiceError('shutting_down', 'the engine has been closed')

const unavailable = (error: unknown): ServiceError =>
  error instanceof ServiceError
    ? error
    : new ServiceError('engine_unavailable', `the database failed: ${(error as Error).message}`, {
        cause: error,
      })
