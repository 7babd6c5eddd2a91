import { hostname } from 'node:os'

/** The levels of pino, which the workers log with. */
const LEVELS = { fatal: 60, error: 50, warn: 40, info: 30, debug: 20, trace: 10, silent: Infinity }

/** The log of a parent. It has no web framework that would bring one, and its lines stand among those of the workers. */
export interface ParentLog {
  info(message: string, fields?: object): void
  error(message: string): void
  fatal(error: unknown, message: string): void
}

/** Lines of JSON as the workers write them, from a level on, to where they write. */
export function createParentLog(least: keyof typeof LEVELS, write: (line: string) => void): ParentLog {
  const log = (level: number, msg: string, fields: object): void => {
    if (level < LEVELS[least]) return
    write(
      `${JSON.stringify({ level, time: Date.now(), pid: process.pid, hostname: hostname(), ...fields, msg })}\n`,
    )
  }
  return {
    info: (message, fields = {}) => log(LEVELS.info, message, fields),
    error: (message) => log(LEVELS.error, message, {}),
    fatal: (error, message) =>
      log(LEVELS.fatal, message, {
        err: error instanceof Error ? { message: error.message, stack: error.stack } : error,
      }),
  }
}
