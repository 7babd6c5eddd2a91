import { hash, randomUUIDv7 } from 'node:crypto'
import type { Channel } from '../model/channel.ts'
import type { ItemDraft } from '../model/item.ts'
import type { Draft, Idempotency, PublicationEvent } from '../model/publication.ts'

/** The options of a publish. */
export interface PublishOptions {
  /** The name of the caller: the idempotency keys of two callers do not collide. */
  credential: string
  idempotencyKey?: string | undefined
  /** The time for which the publish is scheduled, in milliseconds since the epoch: part of what an idempotency key stands for. */
  sendAt?: number | undefined
  /** The connection that is left out of the live delivery. */
  exceptConnection?: string | undefined
  /** The process that waits for the first acknowledgement; see `AckWaiters`. */
  waiter?: string | undefined
  /** The most bytes that `data` may have as JSON in UTF-8, for a bridge that has a limit of its own. */
  maxDataBytes?: number | undefined
  /** The caller's trace context (W3C Trace Context), which tabs and webhooks receive. Not part of what an idempotency key stands for. */
  traceparent?: string | undefined
}

/** Adds the trace context to a content that is a JSON object as text. */
export const traced = (said: string, { traceparent }: PublishOptions): string =>
  traceparent === undefined ? said : `${said.slice(0, -1)},"traceparent":"${traceparent}"}`

/** The parts that a draft is assembled from. */
export interface DraftParts {
  /** The payload as JSON text, an object. */
  content: string
  idempotency: Idempotency | undefined
  /** Milliseconds since the epoch. */
  createdAt: number
  /** As in `Draft`. */
  expiresAt?: number
  /** The fields that follow on the content, with a comma before each. */
  stamp?: string
  /** The end of the packet, behind the seq and epoch. */
  tail?: string
  stored?: boolean
  item?: ItemDraft
}

/** Assembles a draft and gives it an id. */
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
  if (parts.idempotency !== undefined) draft.idempotency = parts.idempotency
  return draft
}

/** The key and fingerprint of a publish, if it has a key. `body`: the text of which two publishes with one key must have the same. */
export function idempotencyOf(
  { credential, idempotencyKey, sendAt }: PublishOptions,
  body: () => string,
): Idempotency | undefined {
  if (idempotencyKey === undefined) return undefined
  // The length in front keeps ('a', 'bc') and ('ab', 'c') apart.
  return {
    key: hash('sha256', `${credential.length}:${credential}${idempotencyKey}`, 'base64url'),
    fingerprint: `${hash('sha256', body(), 'base64url')}${sendAt === undefined ? '' : `@${sendAt}`}`,
  }
}

/** Creates a function like `iso`. Many publications share a millisecond, so it keeps its last text. */
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

/** A time in milliseconds since the epoch as RFC 3339 in UTC. */
export const iso = createFormat()

/** Formats like `iso`, for ends: most publications are kept for the same time, so that a memory of its own pays. */
export const isoExpiry = createFormat()
