import { ReplyError } from 'ioredis'
import { internalError } from '../../../core/lifecycle/faults.ts'
import { ServiceError } from '../../../core/model/errors.ts'

/** The first words of the errors with which Redis says that it cannot work now, or not for us: states of the store, and not our mistakes. */
const STORE_STATES: ReadonlySet<string> = new Set([
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNKILLABLE',
  'WRONGPASS',
])

/** An error that has no word of its own, and yet is a state of the store. */
const FULL = /^ERR max number of clients/

/** The script and line of an error, which are of no use to a caller. */
const SCRIPT = /\s*(script: [0-9a-f]{40}|user_script:\d+).*$/s

/**
 * Translates an error of a command. What Redis says of itself, and everything that befalls a connection, is `engine_unavailable`; the rest,
 * such as the error of a script, a key of the wrong type or a `TypeError` on the way to a command, is a fault of our own: `internal`.
 */
export function translate(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const { message } = error as Error
  if (error instanceof ReplyError) {
    if (!STORE_STATES.has(message.split(' ', 1)[0]!) && !FULL.test(message)) return internalError(error)
    return unavailable(`Redis refuses to work: ${message.replace(SCRIPT, '')}`, error)
  }
  if (isProgrammingError(error)) return internalError(error)
  return unavailable(`Redis cannot be reached: ${message}`, error)
}

const unavailable = (detail: string, cause: unknown): ServiceError =>
  new ServiceError('engine_unavailable', detail, { cause })

const isProgrammingError = (error: unknown): boolean =>
  [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind)
