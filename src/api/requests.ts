/** What several routes ask of a request and no schema can say. */
import type { FastifyRequest } from 'fastify'
import { faultOfId } from '../core/channel.ts'
import { refusal } from './validation-faults.ts'

/** The id, if it is one. */
export function wantId(id: string, pointer: string): string {
  const fault = faultOfId(id)
  if (fault !== undefined) throw refusal('invalid_request', [{ pointer, detail: fault }])
  return id
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The id as it was given, or the tag as it is: a UUID is written in lower case and read in any (RFC 9562 §4). */
export const wantItem = (idOrTag: string): string => (UUID.test(idOrTag) ? idOrTag.toLowerCase() : idOrTag)

/** Other preferences may be ignored (RFC 7240 §2), but who asks to wait counts on it. */
export function refusePrefer(header: string | string[] | undefined): void {
  if (header !== undefined && /(^|[,;\s])wait\s*=/i.test(String(header)))
    throw refusal('unsupported_field', [{ pointer: 'Prefer', detail: 'wait is not supported yet' }])
}

/** Makes the hook that reads numbers from the query, which is text, before the schema sees it. */
export const readNumbers =
  (...names: string[]) =>
  async ({ query }: FastifyRequest): Promise<void> => {
    const values = query as Record<string, unknown>
    for (const name of names)
      if (typeof values[name] === 'string' && /^-?\d{1,16}$/.test(values[name]))
        values[name] = Number(values[name])
  }
