import { refuseDepth } from '../json/depth.ts'
import { userChannel } from '../model/channel.ts'
import { refuseFaults } from '../model/errors.ts'
import type { ItemDraft } from '../model/item.ts'
import {
  alerts,
  faultsOfNotification,
  MAX_TTL_SECONDS,
  type NotificationInput,
  notificationContent,
  progressStateOf,
} from '../model/notification.ts'
import type { Draft, PublicationEvent } from '../model/publication.ts'
import { webhookText } from '../model/webhook.ts'
import {
  assemble,
  type DraftParts,
  idempotencyOf,
  iso,
  isoExpiry,
  type PublishOptions,
  traced,
} from './draft.ts'

/** The draft of a notification for a user, with an id and the time. Throws `invalid_request`. */
export const draftNotification = (user: string, input: NotificationInput, options: PublishOptions): Draft =>
  assemble(userChannel(user), eventOf(input), options, partsOf(input, options))

/** The drafts of one notification for several users, in their order. Throws `invalid_request`. */
export function draftNotifications(
  users: readonly string[],
  input: NotificationInput,
  options: PublishOptions,
): Draft[] {
  const event = eventOf(input)
  const parts = partsOf(input, options)
  return users.map((user) => assemble(userChannel(user), event, options, parts))
}

const eventOf = (input: NotificationInput): PublicationEvent =>
  progressStateOf(input) === 'running' && input.ttl !== 0 ? 'progress' : 'notification'

function partsOf(input: NotificationInput, options: PublishOptions): DraftParts {
  refuseDepth(input.data, '/data')
  const said = JSON.stringify(notificationContent(input))
  refuseFaults(faultsOfNotification(input, said, options.maxDataBytes))
  const content = traced(said, options)
  const now = Date.now()
  const parts: DraftParts = {
    content,
    idempotency: idempotencyOf(options, () => fingerprinted(said, input)),
    createdAt: now,
    expiresAt: input.ttl === undefined ? 0 : now + input.ttl * 1000,
  }
  if (input.ttl === 0) return { ...parts, ...unstoredParts(input, now) }
  parts.item = itemDraftOf(input, content, now, options)
  return parts
}

/** Neither the version nor the webhook is part of the content: the store may give another version, and the webhook is not for tabs. */
const fingerprinted = (
  said: string,
  { ttl = MAX_TTL_SECONDS, version, webhook }: NotificationInput,
): string =>
  `${said}${ttl}${version === undefined ? '' : ` ${version}`}${webhook === undefined ? '' : webhookText(webhook)}`

/** The parts of the draft of an ephemeral notification. */
function unstoredParts(input: NotificationInput, now: number): Partial<DraftParts> {
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
