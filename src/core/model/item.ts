import type { WebhookInput } from './webhook.ts'

/** The state of the task behind a notification: no task, under way, or over. */
export type ProgressState = 'none' | 'running' | 'finished'

/** The part of a draft that becomes an item of the user's inbox. */
export interface ItemDraft {
  /** The item with the same tag is replaced and keeps its id. */
  tag?: string
  /** The backend's version: an update that is not newer than the stored item is dropped. */
  version?: number
  type: string
  category?: string
  progressState: ProgressState
  /** A replacement alerts again, and is unseen and unread again. */
  renotify: boolean
  /** True if it may toast or sound if it is new. */
  alert: boolean
  /** The backend's fields as JSON text, without the braces. */
  content: string
  /** RFC 3339 in UTC. */
  updatedAt: string
  expiresAt: string
  /** The process that waits for the first acknowledgement. */
  waiter?: string
  /** The webhook that the backend asked for. */
  webhook?: WebhookInput
  /** The backend's trace context (W3C Trace Context), which its webhooks are sent with. */
  traceparent?: string
}

/** An end in milliseconds since the epoch, and as RFC 3339. */
export interface End {
  time: number
  text: string
}

/** True if somebody waits until a tab acknowledges a notification: its backend, or a webhook. */
export const isAwaited = ({ waiter, webhook }: Pick<ItemDraft, 'waiter' | 'webhook'>): boolean =>
  waiter !== undefined || webhook !== undefined

/**
 * The end of a notification, in milliseconds since the epoch and as RFC 3339: its own `expiresAt`, or the time when the inbox no longer keeps
 * it, whichever is first. `createdAt`: milliseconds since the epoch; `retention`: the seconds for which the inbox keeps a notification.
 */
export function endOf(
  { expiresAt }: Pick<ItemDraft, 'expiresAt'>,
  createdAt: number,
  retention: number,
): End {
  const own = Date.parse(expiresAt)
  const last = createdAt + retention * 1000
  return own <= last ? { time: own, text: expiresAt } : { time: last, text: new Date(last).toISOString() }
}

/** The outcome of storing an item: created, replaced, or (`applied` is false) left as it was because the stored one is newer. */
export interface UpsertOutcome {
  version: number
  created: boolean
  applied: boolean
}

/** The number of notifications that are not read, and of those that are not even seen; archived ones do not count. */
export interface Counts {
  unread: number
  unseen: number
}

/** One notification as the inbox keeps it. Times are RFC 3339 in UTC. */
export interface Item {
  id: string
  version: number
  type: string
  category: string | undefined
  seq: number
  tag: string | undefined
  progressState: ProgressState
  createdAt: string
  updatedAt: string
  expiresAt: string
  /** The time at which the first tab acknowledged it. */
  deliveredAt: string | undefined
  seenAt: string | undefined
  readAt: string | undefined
  archivedAt: string | undefined
  /** The connections of its user when it was stored. */
  connections: number
  /** As in `ItemDraft`. */
  content: string
}

/** True if a notification counts as unread. */
export const isUnread = ({ readAt, archivedAt }: Pick<Item, 'readAt' | 'archivedAt'>): boolean =>
  readAt === undefined && archivedAt === undefined

/** True if a notification counts as unseen. Reading is seeing. */
export const isUnseen = (item: Pick<Item, 'seenAt' | 'readAt' | 'archivedAt'>): boolean =>
  item.seenAt === undefined && isUnread(item)
