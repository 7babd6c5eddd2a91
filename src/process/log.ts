import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { FaultReporter } from '../core/lifecycle/faults.ts'

/** The log of a process, and the way for faults into it. */
export interface ProcessLog {
  log: Logger
  /** Logs an operator's concern. */
  warn(message: string): void
  /** Logs a fault of our own, each cause once a minute. */
  report(error: unknown): void
}

/** Makes the log: lines of JSON from a level on, on standard output unless another stream is given. */
export function createLog(level: string, stream?: DestinationStream): ProcessLog {
  const log = pino({ level, serializers: { err: describe } }, stream)
  const faults = new FaultReporter((err, repeated) =>
    log.error(
      repeated === 0 ? { err } : { err, repeated },
      'a fault of Tabcast itself: please report it with this line',
    ),
  )
  return { log, warn: (message) => log.warn(message), report: faults.report }
}

/** An error as the log has it: not what else hangs on it, such as the arguments of a command, since that is what users are told. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  // Message and stack have those of the causes, too.
  const { type, message, stack } = stdSerializers.err(error)
  const { code, command } = error as { code?: unknown; command?: { name?: unknown } }
  return { type, message, stack, code, command: command?.name }
}
