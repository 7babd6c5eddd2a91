import type { WebhookInput } from './webhook.ts'

/** Where the task behind a notification stands: not one at all, still under way, or over. */
export type ProgressState = 'none' | 'running' | 'finished'

/** What a draft says of its place in the user's inbox. */
export interface ItemDraft {
  /** The one with the same tag is replaced in place and keeps its id. */
  tag?: string
  /** Given by the backend: an update that is not newer than the stored one is dropped. */
  version?: number
  type: string
  category?: string
  progressState: ProgressState
  /** A replacement alerts again, and is unseen and unread again. */
  renotify: boolean
  /** Whether it may toast or sound if it is new. */
  alert: boolean
  /** Its own fields as JSON text, without the braces. */
  content: string
  /** RFC 3339 in UTC. */
  updatedAt: string
  expiresAt: string
  /** The process that waits to hear of the first acknowledgement. */
  waiter?: string
  /** What its backend wants to hear of it. */
  webhook?: WebhookInput
  /** The place in the backend's trace that its webhooks are sent with. */
  traceparent?: string
}

/**
 * When a notification ends that was made at a time in milliseconds, as a time and as RFC 3339: at its own end, or when an inbox that keeps
 * what it has for so many seconds no longer keeps it.
 */
export function endOf(
  { expiresAt }: Pick<ItemDraft, 'expiresAt'>,
  createdAt: number,
  retention: number,
): { time: number; text: string } {
  const own = Date.parse(expiresAt)
  const last = createdAt + retention * 1000
  return own <= last ? { time: own, text: expiresAt } : { time: last, text: new Date(last).toISOString() }
}

/** What became of the item: made, replaced, or left as it was because the stored one is newer. */
export interface UpsertOutcome {
  version: number
  created: boolean
  applied: boolean
}

/** How many notifications are not read, and how many not even seen; archived ones do not count. */
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
  /** When the first tab acknowledged it. */
  deliveredAt: string | undefined
  seenAt: string | undefined
  readAt: string | undefined
  archivedAt: string | undefined
  /** How many connections it was sent to when it was stored. */
  connections: number
  /** As in `ItemDraft`. */
  content: string
}

/** Whether a notification counts as read, and as seen: reading is seeing. */
export const isUnread = ({ readAt, archivedAt }: Pick<Item, 'readAt' | 'archivedAt'>): boolean =>
  readAt === undefined && archivedAt === undefined
export const isUnseen = (item: Pick<Item, 'seenAt' | 'readAt' | 'archivedAt'>): boolean =>
  item.seenAt === undefined && isUnread(item)
