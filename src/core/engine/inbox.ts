import type { Counts, Item } from '../model/item.ts'
import type { Draft } from '../model/publication.ts'

/** The states that a user gives a notification. */
export const STATES = ['seen', 'read', 'archived'] as const

/** One of the states that a user gives a notification. */
export type State = (typeof STATES)[number]

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

/** The parts of an inbox that can be asked for. `active`: not archived; `unread`: neither read nor archived; `unseen`: unread and not seen; `read`: read, not archived. */
export const INBOX_STATUSES = ['active', 'unread', 'unseen', 'read', 'archived'] as const

/** One of the parts of an inbox that can be asked for. */
export type Status = (typeof INBOX_STATUSES)[number]

/** A notification that was acknowledged for the first time. */
export interface Delivery {
  id: string
  /** As in `ItemDraft`. */
  waiter: string | undefined
  /** Whether its backend wants to hear of it. */
  hasWebhook: boolean
}

/** What came of a mark: the counts after it, whether something changed, and which of the changed are hasWebhook by their backends. */
export interface Marked extends Counts {
  changed: boolean
  hasWebhook: string[]
}

/** A notification that was taken out. */
export interface Withdrawn {
  id: string
  /** Whether its backend wants to hear of it. */
  hasWebhook: boolean
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
   */
  mark(draft: Draft, mark: Mark): Promise<Marked>

  /** Lists notifications, newest first. */
  list(channel: Draft['channel'], query: InboxQuery): Promise<InboxPage>

  /** The notification with this id or tag. */
  find(channel: Draft['channel'], idOrTag: string): Promise<Item | undefined>

  /** Removes the notification with this id or tag, from the log too, and tells of it with `draft`; resolves to what there was. */
  withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined>

  /**
   * A tab has processed everything above `above` (by default 0) up to `seq`, at that time. Resolves to what no tab had acknowledged before.
   */
  acknowledge(channel: Draft['channel'], seq: number, at: string, above?: number): Promise<Delivery[]>
}
