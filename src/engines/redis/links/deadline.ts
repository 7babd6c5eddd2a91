import { ServiceError } from '../../../core/model/errors.ts'

/** A timer that is later than this, in milliseconds, tells that this process did not get to run: it was frozen, or others had the cores. */
const LATE = 50

/** What is granted then, in milliseconds, for an answer that lies in the socket or could not be written either. */
export const GRACE = 250

/**
 * What the promise settles to, or after so many milliseconds this error. Time in which this process did not get to run is not held against
 * the other end: the answer may be here already, unread.
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
