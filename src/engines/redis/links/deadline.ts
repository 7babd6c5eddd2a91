import { ServiceError } from '../../../core/model/errors.ts'

/** The delay of a timer, in milliseconds, from which on this process must have been frozen or without a core. */
const LATE = 50

/** The time that is granted then, in milliseconds: the answer may still be unread in the socket, or the command unsent. */
export const GRACE = 250

/**
 * Resolves or rejects like `promise`, or rejects with `error` after so many milliseconds. If this process did not get to run in that time, it
 * waits for `GRACE` longer, since the answer may be here already, unread.
 */
export function withDeadline<T>(
  promise: Promise<T>,
  milliseconds: number,
  error: () => ServiceError = () => new ServiceError('engine_timeout', 'Redis did not answer in time'),
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
