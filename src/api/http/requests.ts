/** Checks of requests that several routes share, and that a schema cannot express. */
import type { FastifyRequest } from 'fastify'
import { faultOfId } from '../../core/model/channel.ts'
import { matches, UUID } from '../../core/model/patterns.ts'
import { NO_TIME, refusal } from './validation-faults.ts'

/** Returns the id. Throws `invalid_request`, with this pointer, if it is not valid. */
export function wantId(id: string, pointer: string): string {
  const fault = faultOfId(id)
  if (fault !== undefined) throw refusal('invalid_request', [{ pointer, detail: fault }])
  return id
}

/**
 * Reads a time of RFC 3339 as milliseconds since the epoch. Throws `invalid_request`, also for a leap second, which `Date.parse` does not
 * know.
 */
export function wantTime(text: string, pointer: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw refusal('invalid_request', [{ pointer, detail: NO_TIME }])
  return time
}

/** Returns an id in lower case, in which it was given out, or a tag as it is: a UUID is read in any case (RFC 9562 §4). */
export const wantItem = (idOrTag: string): string =>
  matches(UUID, idOrTag) ? idOrTag.toLowerCase() : idOrTag

/** The most seconds for which an answer is held back. */
const MAX_WAIT = 30

/**
 * Reads `Prefer: wait=N` (RFC 7240 §4.3): the seconds to wait, at most 30; undefined without it. Other preferences are ignored. Throws
 * `invalid_request` if N is not a number.
 */
export function preferredWait(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined
  const wait = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(String(header))?.[1]
  if (wait === undefined) return undefined
  if (!/^\d{1,9}$/.test(wait))
    throw refusal('invalid_request', [{ pointer: 'Prefer', detail: 'wait must be a number of seconds' }])
  return Math.min(Number(wait), MAX_WAIT)
}

/** Throws `unsupported_field` for `Prefer: wait`. Preferences may be ignored (RFC 7240 §2), but a caller that asks to wait relies on it. */
export function refuseWait(header: string | string[] | undefined): void {
  if (preferredWait(header) !== undefined)
    throw refusal('unsupported_field', [
      { pointer: 'Prefer', detail: 'wait is only for one notification of one user' },
    ])
}

/** Version 00, and neither id all zeros (W3C Trace Context §3.2). */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

/** Returns a valid `traceparent`; undefined for any other, which is ignored (W3C Trace Context §3.2 and §4.3). */
export const traceparentOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined

/** Makes the hook that turns these fields of the query from text into numbers, before the schema checks them. */
export const readNumbers =
  (...names: string[]) =>
  async ({ query }: FastifyRequest): Promise<void> => {
    const values = query as Record<string, unknown>
    for (const name of names)
      if (typeof values[name] === 'string' && /^-?\d{1,16}$/.test(values[name]))
        values[name] = Number(values[name])
  }
