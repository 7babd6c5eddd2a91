import { hash, randomUUIDv7 } from 'node:crypto'
import { refuseDepth } from '../json/depth.ts'
import { type Channel, roomChannel, userChannel } from '../model/channel.ts'
import { refuseFaults } from '../model/errors.ts'
import type { ItemDraft } from '../model/item.ts'
import {
  alerts,
  faultsOfMessage,
  faultsOfNotification,
  MAX_TTL_SECONDS,
  type MessageInput,
  type NotificationInput,
  notificationContent,
  progressStateOf,
} from '../model/notification.ts'
import type { Draft, Idempotency, PublicationEvent } from '../model/publication.ts'
import { webhookText } from '../model/webhook.ts'

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

/** The user became a member of a room, may speak there from now on or no longer, or is no member any more. */
export type MembershipControl =
  | { action: 'join'; room: string; publish: boolean }
  | { action: 'leave'; room: string }

/** What the server says to itself on a user's log, so that a lost bell is repaired like that of any other publication. */
export type Control = { action: 'disconnect' } | MembershipControl

/** A notification for a user, stamped with an id and the time. Throws `invalid_request`. */
export const draftNotification = (user: string, input: NotificationInput, options: PublishOptions): Draft =>
  draftNotifications([user], input, options)[0]!

/** The same notification for each of several users. Throws `invalid_request`. */
export function draftNotifications(
  users: readonly string[],
  input: NotificationInput,
  options: PublishOptions,
): Draft[] {
  refuseDepth(input.data, '/data')
  const said = JSON.stringify(notificationContent(input))
  refuseFaults(faultsOfNotification(input, said, options.maxDataBytes))
  const content = traced(said, options)
  const { ttl = MAX_TTL_SECONDS, version, webhook } = input
  const now = Date.now()
  const parts = {
    content,
    // A version is no part of the content, since the store may give another one; what the backend wants to hear is not for tabs.
    fingerprinted: `${said}${ttl}${version === undefined ? '' : ` ${version}`}${webhook === undefined ? '' : webhookText(webhook)}`,
    createdAt: now,
    expiresAt: input.ttl === undefined ? 0 : now + ttl * 1000,
    ...(ttl === 0 ? unstoredParts(input, now) : { item: itemDraftOf(input, content, now, options) }),
  }
  const event = progressStateOf(input) === 'running' && ttl > 0 ? 'progress' : 'notification'
  return users.map((user) => draftOf(userChannel(user), event, options, parts))
}

/** What there is of a notification that is not stored. */
function unstoredParts(input: NotificationInput, now: number): Partial<Parts> {
  const times = `"createdAt":"${iso(now)}","updatedAt":"${iso(now)}","expiresAt":"${iso(now)}"`
  return { stamp: `,"version":1,${times}`, tail: `,"alert":${alerts(input)}}]`, stored: false }
}

function itemDraftOf(
  input: NotificationInput,
  content: string,
  now: number,
  { waiter, traceparent }: PublishOptions,
): ItemDraft {
  const { type = 'message', category, tag, version, renotify = false, ttl = MAX_TTL_SECONDS, webhook } = input
  const item: ItemDraft = {
    type,
    progressState: progressStateOf(input),
    renotify,
    alert: alerts(input),
    content: content.slice(1, -1),
    updatedAt: iso(now),
    expiresAt: isoExpiry(now + ttl * 1000),
  }
  if (category !== undefined) item.category = category
  if (tag !== undefined) item.tag = tag
  if (version !== undefined) item.version = version
  if (waiter !== undefined) item.waiter = waiter
  if (webhook !== undefined) item.webhook = webhook
  if (webhook !== undefined && traceparent !== undefined) item.traceparent = traceparent
  return item
}

/** A message for a room; `from` is the speaking user's id. Throws `invalid_request`. */
export function draftMessage(
  room: string,
  input: MessageInput,
  options: PublishOptions,
  from: string | undefined,
): Draft {
  const { type = 'message', body, data } = input
  refuseDepth(data, '/data')
  const said = JSON.stringify({ room, type, from, body, data })
  refuseFaults(faultsOfMessage(input, said, options.maxDataBytes))
  const content = traced(said, options)
  const createdAt = Date.now()
  const stamp = `,"createdAt":"${iso(createdAt)}"`
  return draftOf(roomChannel(room), 'message', options, { content, fingerprinted: said, createdAt, stamp })
}

/** What every process that serves the user is to do; no tab is shown it. */
export function draftControl(user: string, control: Control): Draft {
  const content = JSON.stringify(control)
  return draftOf(
    userChannel(user),
    'control',
    { credential: '' },
    { content, fingerprinted: content, createdAt: Date.now() },
  )
}

/** What is said, and the place in the trace of the one who says it. */
const traced = (said: string, { traceparent }: PublishOptions): string =>
  traceparent === undefined ? said : `${said.slice(0, -1)},"traceparent":"${traceparent}"}`

interface Parts {
  content: string
  fingerprinted: string
  createdAt: number
  expiresAt?: number
  stamp?: string
  tail?: string
  stored?: boolean
  item?: ItemDraft
}

function draftOf(channel: Channel, event: PublicationEvent, options: PublishOptions, parts: Parts): Draft {
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
/** Most expire the same time after they were made, so that this has a memory of its own. */
const isoExpiry = createFormat()
