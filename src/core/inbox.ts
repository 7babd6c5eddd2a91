import type { Draft } from './publication.ts'

/** Where the task behind a notification stands: not one at all, still under way, or over. */
export type Course = 'none' | 'running' | 'finished'

/** What a draft says of its place in the user's inbox. */
export interface ItemDraft {
  /** The one with the same tag is replaced in place and keeps its id. */
  tag?: string
  /** Given by the backend: an update that is not newer than the stored one is dropped. */
  version?: number
  type: string
  category?: string
  course: Course
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
}

/** What became of the item: made, replaced, or left as it was because the stored one is newer. */
export interface ItemPlace {
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
  course: Course
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

export type State = 'seen' | 'read' | 'archived'

/** Which notifications get which state. */
export interface Mark {
  /** These, or all of them. */
  ids: readonly string[] | undefined
  /** With all: only those that were not touched after this time. RFC 3339 in UTC. */
  before?: string
  state: State
  /** `false` takes the state away. */
  value: boolean
  /** RFC 3339 in UTC. */
  at: string
}

/** `unread`: neither read nor archived. `read`: read, not archived. `archived`. `active`: not archived. */
export type Status = 'active' | 'unread' | 'unseen' | 'read' | 'archived'

/** A notification that was acknowledged for the first time. */
export interface Delivery {
  id: string
  /** As in `ItemDraft`. */
  waiter: string | undefined
}

/** Which part of an inbox is wanted, newest first. */
export interface InboxQuery {
  status: Status | undefined
  category: string | undefined
  type: string | undefined
  tag: string | undefined
  /** Only those with a lower seq. */
  before: number | undefined
  limit: number
}

export interface InboxPage extends Counts {
  items: Item[]
  /** Whether nothing older is left. */
  complete: boolean
  seq: number
  epoch: string
}

/**
 * The notifications of a user as they stand: a view beside the log, with the same retention. It is written by `Broker.publish` of a draft
 * with an `item`, and by the methods here. Whatever changes it is a publication on the user's log with the counts after it, so every tab
 * can follow.
 */
export interface Inbox {
  /**
   * Gives or takes a state. `draft` is the event that tells of it, open at its end, and is published only if something changes.
   * Resolves to the counts after it, and whether something changed.
   */
  mark(draft: Draft, mark: Mark): Promise<Counts & { changed: boolean }>

  /** Lists notifications, newest first. */
  list(channel: Draft['channel'], query: InboxQuery): Promise<InboxPage>

  /** The notification with this id or tag. */
  find(channel: Draft['channel'], idOrTag: string): Promise<Item | undefined>

  /** Removes the notification with this id or tag, from the log too, and tells of it with `draft`; resolves to whether there was one. */
  withdraw(draft: Draft, idOrTag: string): Promise<boolean>

  /** A tab has processed everything up to `seq`, at that time. Resolves to what no tab had acknowledged before. */
  acknowledge(channel: Draft['channel'], seq: number, at: string): Promise<Delivery[]>
}

/** Whether a notification counts as read, and as seen: reading is seeing. */
export const isUnread = ({ readAt, archivedAt }: Pick<Item, 'readAt' | 'archivedAt'>): boolean =>
  readAt === undefined && archivedAt === undefined
export const isUnseen = (item: Pick<Item, 'seenAt' | 'readAt' | 'archivedAt'>): boolean =>
  item.seenAt === undefined && isUnread(item)
