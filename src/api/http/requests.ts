/** What several routes ask of a request and no schema can say. */
import type { FastifyRequest } from 'fastify'
import { faultOfId } from '../../core/model/channel.ts'
import { matches, UUID } from '../../core/model/patterns.ts'
import { NO_TIME, refusal } from './validation-faults.ts'

/** The id, if it is one. */
export function wantId(id: string, pointer: string): string {
  const fault = faultOfId(id)
  if (fault !== undefined) throw refusal('invalid_request', [{ pointer, detail: fault }])
  return id
}

/** The time of RFC 3339 in milliseconds since the epoch. Its leap seconds and its offsets without minutes are not known to this language. */
export function wantTime(text: string, pointer: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw refusal('invalid_request', [{ pointer, detail: NO_TIME }])
  return time
}

/** The id as it was given, or the tag as it is: a UUID is written in lower case and read in any (RFC 9562 §4). */
export const wantItem = (idOrTag: string): string =>
  matches(UUID, idOrTag) ? idOrTag.toLowerCase() : idOrTag

/** The longest that an answer is held back, in seconds. */
const MAX_WAIT = 30

/** How many seconds `Prefer: wait=N` asks to wait (RFC 7240 §4.3), at most 30; undefined if it does not. Other preferences are ignored. */
export function preferredWait(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined
  const wait = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(String(header))?.[1]
  if (wait === undefined) return undefined
  if (!/^\d{1,9}$/.test(wait))
    throw refusal('invalid_request', [{ pointer: 'Prefer', detail: 'wait must be a number of seconds' }])
  return Math.min(Number(wait), MAX_WAIT)
}

/** Other preferences may be ignored (RFC 7240 §2), but who asks to wait counts on it. */
export function refuseWait(header: string | string[] | undefined): void {
  if (preferredWait(header) !== undefined)
    throw refusal('unsupported_field', [
      { pointer: 'Prefer', detail: 'wait is only for one notification of one user' },
    ])
}

/** Version 00, and neither id all zeros. */
const TRACEPARENT = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/

/** The place in the caller's trace; what is none is ignored (W3C Trace Context §3.2 and §4.3). */
export const traceparentOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined

/** Makes the hook that reads numbers from the query, which is text, before the schema sees it. */
export const readNumbers =
  (...names: string[]) =>
  async ({ query }: FastifyRequest): Promise<void> => {
    const values = query as Record<string, unknown>
    for (const name of names)
      if (typeof values[name] === 'string' && /^-?\d{1,16}$/.test(values[name]))
        values[name] = Number(values[name])
  }
