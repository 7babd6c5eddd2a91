import { OperatorError } from '../core/model/errors.ts'

/** The calls that fail if it can't listen where it is told to: one of several processes asks its parent to `bind`. */
const LISTENING: ReadonlySet<string | undefined> = new Set(['listen', 'bind', 'getaddrinfo'])

const NO_NAME = 'The name to listen on is not known. Set HOST to an address of this machine'
const NO_ADDRESS = 'This machine does not have the address to listen on. Set HOST to one of its own'

/** What is wrong where it can't listen, and how to mend it, by the code of the error. */
const CURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program listens there already. Set PORT to another number',
  EACCES: 'This user may not listen there. Set PORT to a number of 1024 or more',
  EADDRNOTAVAIL: NO_ADDRESS,
  EAFNOSUPPORT: NO_ADDRESS,
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: NO_NAME,
}

/** Why a start failed: in words where the operator can mend it; only what nobody expected comes with its stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code = '', syscall } = error as NodeJS.ErrnoException
  const cure = LISTENING.has(syscall) ? CURES[code] : undefined
  if (cure !== undefined) return `${cure} (${error.message}).`
  return error instanceof OperatorError ? error.message : (error.stack ?? error.message)
}
