import { randomUUIDv7 } from 'node:crypto'
import type { Channel } from '../../src/core/model/channel.ts'
import { type Draft, type Publication, payloadOf } from '../../src/core/model/publication.ts'

/** A draft that says `data` on a channel. */
export function draftOf(channel: Channel, data: unknown = 'hello', extra: Partial<Draft> = {}): Draft {
  const id = extra.id ?? randomUUIDv7()
  return {
    channel,
    id,
    event: 'message',
    head: `["message",{"id":"${id}","data":${JSON.stringify(data)}`,
    tail: '}]',
    stored: true,
    createdAt: Date.now(),
    expiresAt: 0,
    ...extra,
  }
}

/** The data that `draftOf` put in. */
export const dataOf = (publication: Publication): unknown => payloadOf(publication).data
