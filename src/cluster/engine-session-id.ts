import { randomBytes } from 'node:crypto'

/** Bytes of randomness, as many as in the ids that Engine.IO makes by itself. */
const BYTES = 15

/** The form of the ids that this file makes: nothing else may become part of a path. */
const FORM = /^([1-9]\d{0,8})\.[A-Za-z0-9_-]{20}$/

/** Makes an id for a new engine session, which names the process that has it. */
export const newEngineSessionId = (process: number): string =>
  `${process}.${randomBytes(BYTES).toString('base64url')}`

/** Returns the process that the id of an engine session names; undefined if the id is not one of ours. */
export function processOf(engineSessionId: string): number | undefined {
  const id = FORM.exec(engineSessionId)?.[1]
  return id === undefined ? undefined : Number(id)
}

/** Returns the process that has the engine session of a request by this URL; undefined without a session, and for ids that are not ours. */
export function processOfUrl(url: string): number | undefined {
  const start = url.indexOf('?')
  // Of several, Engine.IO takes the last.
  const sid = start === -1 ? undefined : new URLSearchParams(url.slice(start)).getAll('sid').at(-1)
  return sid === undefined ? undefined : processOf(sid)
}
