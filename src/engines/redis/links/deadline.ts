import { ServiceError } from '../../../core/model/errors.ts'

/** The delay of a timer, in milliseconds, from which on this process must have been frozen or without a core. */
const LATE = 50

/** The time that is granted then, in milliseconds: the answer may still be unread in the socket, or the command unsent. */
export const GRACE = 250

const timedOut = (): ServiceError => new ServiceError('engine_timeout', 'Redis did not answer in time')

/**
 * Resolves or rejects like `promise`, or rejects with `error` after so many milliseconds. If this process did not get to run in that time, it
 * waits for `GRACE` longer, since the answer may be here already, unread.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  milliseconds: number,
  error: () => ServiceError = timedOut,
): Promise<T> {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<T>()
  const giveUp = (): void => reject(error())
  const due = performance.now() + milliseconds
  let timer = setTimeout(() => {
    if (performance.now() - due < LATE) giveUp()
    else timer = setTimeout(giveUp, GRACE)
  }, milliseconds)
  promise.then(
    (value) => {
      clearTimeout(timer)
      resolve(value)
    },
    (reason: unknown) => {
      clearTimeout(timer)
      reject(reason)
    },
  )
  return outcome
}

/** A promise that is awaited. */
interface Waiting {
  /** Milliseconds since the process began. */
  readonly due: number
  isOver: boolean
  readonly reject: (error: ServiceError) => void
  next: Waiting | undefined
}

/**
 * The deadlines of promises that may all take the same time: due in the order in which they began, so that one timer is enough. A timer for
 * each would be a good part of the cost of a command, which is answered within a millisecond.
 */
export class Deadlines {
  readonly #milliseconds: number
  /** The longest wait. Some of those behind it are over. */
  #first: Waiting | undefined
  #last: Waiting | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** Resolves like `promise`, rejects with what `translate` makes of its reason, or rejects with `engine_timeout` when `withDeadline` would. */
  within<T>(promise: Promise<T>, translate: (reason: unknown) => ServiceError): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting = this.#enter(reject)
      promise.then(
        (value) => {
          this.#leave(waiting)
          resolve(value)
        },
        (reason: unknown) => {
          this.#leave(waiting)
          reject(translate(reason))
        },
      )
    })
  }

  #enter(reject: Waiting['reject']): Waiting {
    const due = performance.now() + this.#milliseconds
    const waiting: Waiting = { due, isOver: false, reject, next: undefined }
    if (this.#last === undefined) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
    this.#timer ??= this.#lookIn(this.#milliseconds)
    return waiting
  }

  #leave(waiting: Waiting): void {
    waiting.isOver = true
    while (this.#first?.isOver) this.#shift()
  }

  /** Takes away the longest wait. Its link is cut: one that has grown old would keep all that came after it until a full collection. */
  #shift(): Waiting {
    const first = this.#first!
    this.#first = first.next
    first.next = undefined
    if (this.#first === undefined) this.#last = undefined
    return first
  }

  /** The timer is left to run when nothing is awaited any more, but keeps no process alive. */
  #lookIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.ceil(milliseconds)).unref()
  }

  #look(): void {
    const now = performance.now()
    while (this.#first !== undefined && this.#first.due <= now) {
      const waiting = this.#shift()
      if (now - waiting.due < LATE) giveUp(waiting)
      else setTimeout(giveUp, GRACE, waiting).unref()
    }
    this.#timer = this.#first && this.#lookIn(this.#first.due - now)
  }
}

function giveUp({ isOver, reject }: Waiting): void {
  if (!isOver) reject(timedOut())
}
