import { hash, randomUUIDv7 } from 'node:crypto'
import type { Channel } from '../model/channel.ts'
import type { ItemDraft } from '../model/item.ts'
import type { Draft, Idempotency, PublicationEvent } from '../model/publication.ts'

/** What a caller may add to a publish. */
export interface PublishOptions {
  /** Who calls: one caller's idempotency keys do not meet another's. */
  credential: string
  idempotencyKey?: string | undefined
  /** The time that the call names, in milliseconds since the epoch: under one key it belongs to what is said. */
  sendAt?: number | undefined
  /** The connection that is left out of the live delivery. */
  exceptConnection?: string | undefined
  /** The process that waits to hear of the first acknowledgement; see `AckWaiters`. */
  waiter?: string | undefined
  /** The most bytes that `data` may have as JSON, for a door that has a measure of its own. */
  maxDataBytes?: number | undefined
  /** The caller's place in its trace (W3C Trace Context): tabs and webhooks are given it. It is no part of what is said. */
  traceparent?: string | undefined
}

/** What is said, and the place in the trace of the one who says it. */
export const traced = (said: string, { traceparent }: PublishOptions): string =>
  traceparent === undefined ? said : `${said.slice(0, -1)},"traceparent":"${traceparent}"}`

/** The parts that a draft is put together from. */
export interface DraftParts {
  content: string
  fingerprinted: string
  createdAt: number
  expiresAt?: number
  stamp?: string
  tail?: string
  stored?: boolean
  item?: ItemDraft
}

/** Puts a draft together, stamped with an id. */
export function assemble(
  channel: Channel,
  event: PublicationEvent,
  options: PublishOptions,
  parts: DraftParts,
): Draft {
  const { content, createdAt, expiresAt = 0, stamp = '', tail = '}]', stored = true, item } = parts
  const id = randomUUIDv7()
  const head = item === undefined ? `["${event}",{"id":"${id}",${content.slice(1, -1)}${stamp}` : ''
  const draft: Draft = { channel, id, event, head, tail, stored, createdAt, expiresAt }
  if (item !== undefined) draft.item = item
  if (options.exceptConnection !== undefined) draft.except = options.exceptConnection
  if (options.idempotencyKey !== undefined)
    draft.idempotency = idempotency(options, options.idempotencyKey, parts.fingerprinted)
  return draft
}

function idempotency({ credential, sendAt }: PublishOptions, key: string, body: string): Idempotency {
  // The length in front keeps ('a', 'bc') and ('ab', 'c') apart.
  return {
    key: hash('sha256', `${credential.length}:${credential}${key}`, 'base64url'),
    fingerprint: `${hash('sha256', body, 'base64url')}${sendAt === undefined ? '' : `@${sendAt}`}`,
  }
}

/** RFC 3339, in UTC. Many publications share a millisecond, so the last text is kept. */
function createFormat(): (time: number) => string {
  let lastTime = Number.NaN
  let lastText = ''
  return (time) => {
    if (time !== lastTime) {
      lastTime = time
      lastText = new Date(time).toISOString()
    }
    return lastText
  }
}

/** RFC 3339 in UTC of a time in milliseconds. */
export const iso = createFormat()
/** The same for ends: most expire the same time after they were made, so that this has a memory of its own. */
export const isoExpiry = createFormat()
