import { ServiceError } from '../model/errors.ts'

/** How long a cause that was logged stays quiet, in milliseconds. */
const QUIET = 60_000

/** The most causes that are told apart at a time. */
const MAX_CAUSES = 200

/** True for a mistake of our own, which is to be reported: everything that is no `ServiceError`, and `internal`. */
export const isFault = (error: unknown): boolean =>
  !(error instanceof ServiceError) || error.code === 'internal'

/** True for a state that passes by itself, such as a store that is away: worth waiting for, and nobody's mistake. */
export const isTemporary = (error: unknown): boolean =>
  error instanceof ServiceError && error.temporary && !isFault(error)

/** The error that stands for a mistake of our own: the caller learns no more than that, and the log has the cause. */
export const internalError = (cause: unknown): ServiceError =>
  new ServiceError('internal', 'the server has noted what went wrong', { cause })

/** The error that began it all. */
function rootOf(error: unknown): unknown {
  let root = error
  while (root instanceof ServiceError && root.cause !== undefined) root = root.cause
  return root
}

/** Name, message and place of an error: two that share them have one cause. */
function causeOf(root: unknown): string {
  if (!(root instanceof Error)) return String(root)
  const frame = /^\s+at .*$/m.exec(root.stack ?? '')?.[0].trim() ?? ''
  return `${root.name}: ${root.message} ${frame}`
}

/** Reports faults: each cause at once, and then once a minute for as long as it goes on. */
export class FaultReporter {
  readonly #write: (error: unknown, repeated: number) => void
  /** What has been reported, the least recent first: when it was written, and how often it has come since. */
  readonly #causes = new Map<string, { writtenAt: number; repeated: number }>()
  readonly #seen = new WeakSet<object>()

  /** `write` logs an error; `repeated`: how often the same cause has come since it was last logged, without being logged. */
  constructor(write: (error: unknown, repeated: number) => void) {
    this.#write = write
  }

  /** Reports an error, unless it has been reported already where it began. */
  readonly report = (error: unknown): void => {
    const root = rootOf(error)
    if (typeof root === 'object' && root !== null) {
      if (this.#seen.has(root)) return
      this.#seen.add(root)
    }
    const cause = causeOf(root)
    const known = this.#causes.get(cause)
    const now = performance.now()
    if (known !== undefined && now - known.writtenAt < QUIET) {
      known.repeated++
      return
    }
    this.#causes.delete(cause)
    this.#causes.set(cause, { writtenAt: now, repeated: 0 })
    const [oldest] = this.#causes.keys()
    if (this.#causes.size > MAX_CAUSES) this.#causes.delete(oldest!)
    this.#write(root, known?.repeated ?? 0)
  }
}
