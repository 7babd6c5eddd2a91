import type { Counts, Item } from '../model/item.ts'
import type { Draft } from '../model/publication.ts'

/** The states that a user gives a notification. */
export const STATES = ['seen', 'read', 'archived'] as const

/** One of the states that a user gives a notification. */
export type State = (typeof STATES)[number]

/** The most ids in one call of `Inbox.mark`, so that no call takes long. */
export const MAX_MARKED = 100

/** The notifications that receive or lose a state. */
export interface Mark {
  /** Their ids, at most `MAX_MARKED`; undefined for all. */
  ids: readonly string[] | undefined
  /** With all: only those that were not updated after this time. RFC 3339 in UTC. */
  before?: string
  state: State
  /** `false` takes the state away. */
  value: boolean
  /** RFC 3339 in UTC. */
  at: string
}

/**
 * The parts of an inbox that can be listed. `active`: not archived; `unread`: neither read nor archived; `unseen`: unread and not seen;
 * `read`: read, not archived.
 */
export const INBOX_STATUSES = ['active', 'unread', 'unseen', 'read', 'archived'] as const

/** One of the parts of an inbox that can be listed. */
export type Status = (typeof INBOX_STATUSES)[number]

/** A tab of the user of `channel` has processed everything above the seq `above` up to `seq`. */
export interface Acknowledgement {
  channel: Draft['channel']
  seq: number
  above: number
}

/** A notification that was acknowledged for the first time, and that somebody waits for. */
export interface Delivery {
  id: string
  /** As in `ItemDraft`. */
  waiter: string | undefined
  /** True if its backend asked for a webhook. */
  hasWebhook: boolean
}

/** The result of a mark, with the counts after it. */
export interface Marked extends Counts {
  changed: boolean
  /** The ids of the changed notifications that have a webhook. */
  withWebhook: string[]
}

/** A notification that was removed. */
export interface Withdrawn {
  id: string
  /** True if its backend asked for a webhook. */
  hasWebhook: boolean
}

/** The filter of a list, newest first. */
export interface InboxQuery {
  status: Status | undefined
  category: string | undefined
  type: string | undefined
  tag: string | undefined
  /** Only those with a lower seq. */
  before: number | undefined
  limit: number
}

/** A page of an inbox, newest first, with the counts. */
export interface InboxPage extends Counts {
  items: Item[]
  /** True if nothing older is left. */
  complete: boolean
  /** The end of the user's log when the page was read. */
  seq: number
  epoch: string
}

/**
 * The notifications of a user as they stand: a view beside the log, with the same retention. It is written by `Broker.publish` of a draft
 * with an `item`, and by the methods here. Every change is also a publication on the user's log, with the counts after it, so that every tab
 * can follow. What is no notification has a place of its own in that log, as many entries as there are notifications: marks push none out.
 *
 * `updatedAt` never falls within an inbox: the store takes the higher of the draft's and the last one that it gave. So what was not updated after
 * some time is a stretch of the inbox in seq order.
 */
export interface Inbox {
  /**
   * Gives or takes a state; one that is there already keeps its time. `draft` is the event that reports it, open at its end, and is published
   * only if something changes.
   */
  mark(draft: Draft, mark: Mark): Promise<Marked>

  /** Lists notifications, newest first. */
  list(channel: Draft['channel'], query: InboxQuery): Promise<InboxPage>

  /** Finds the notification with this id or tag; resolves to undefined if there is none. */
  find(channel: Draft['channel'], idOrTag: string): Promise<Item | undefined>

  /**
   * Removes the notification with this id or tag, from the log too, and reports it with `draft`, of which the store fills in the event.
   * Resolves to undefined if there was none.
   */
  withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined>

  /**
   * Notes that a tab has processed everything above the seq `above` (by default 0) up to `seq`. `at`: RFC 3339 in UTC. Resolves to the
   * notifications that no tab had acknowledged before and that have a waiter or a webhook.
   */
  acknowledge(channel: Draft['channel'], seq: number, at: string, above?: number): Promise<Delivery[]>

  /** Does the same for several users, at most a hundred; resolves to the result of each, in the order of `acks`. Does not reject. */
  acknowledgeAll(acks: readonly Acknowledgement[], at: string): Promise<PromiseSettledResult<Delivery[]>[]>
}
