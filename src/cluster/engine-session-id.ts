import { randomBytes } from 'node:crypto'

/** Of randomness, as in the ids that Engine.IO makes by itself. */
const BYTES = 15

/** Only what this file makes: nothing else may become part of a path. */
const FORM = /^([1-9]\d{0,8})\.[A-Za-z0-9_-]{20}$/

/** A new id for a session of Engine.IO, which tells which process has it. */
export const newEngineSessionId = (process: number): string =>
  `${process}.${randomBytes(BYTES).toString('base64url')}`

/** The process that a session id names; undefined if it is not one of ours. */
export function processOf(sessionId: string): number | undefined {
  const id = FORM.exec(sessionId)?.[1]
  return id === undefined ? undefined : Number(id)
}

/** The process that has the session of a request by this URL; undefined for a new session and for ids that name nobody. */
export function processOfUrl(url: string): number | undefined {
  const start = url.indexOf('?')
  // Of several, Engine.IO takes the last.
  const sessionId = start === -1 ? undefined : new URLSearchParams(url.slice(start)).getAll('sid').at(-1)
  return sessionId === undefined ? undefined : processOf(sessionId)
}
