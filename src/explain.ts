import { OperatorError } from './core/errors.ts'

/** Why a start failed: in words where the operator can mend it; only what nobody expected comes with its stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
    return `Another program listens there already (${error.message}). Set PORT to another number.`
  return error instanceof OperatorError ? error.message : (error.stack ?? error.message)
}
