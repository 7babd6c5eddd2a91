import type { Counts, Item, ProgressState } from '../../../../core/model/item.ts'
import type { Draft, PublicationEvent } from '../../../../core/model/publication.ts'
import type { InboxStates } from './states.ts'
import { textOf } from './time-text.ts'

/** A notification as its table has it. Times are milliseconds since the epoch. */
export interface StoredItem {
  seq: number
  key: number
  /** The time of its publication, by which the log judges its age. */
  created: number
  updated: number
  ends: number
  tag: string | null
  line: string
  content: string
}

/** The columns of a `StoredItem`. */
export const COLUMNS = 'seq, key, created, updated, ends, tag, line, content'

/** The publication of a notification, as the log replays it. `expires`: as in `Draft`; the states are those that it took over by replacing. */
export type Published = [
  event: PublicationEvent,
  expires: number,
  except: string,
  alert: 0 | 1,
  unread: number,
  unseen: number,
  seen: number | null,
  read: number | null,
  archived: number | null,
]

/** The facts about a notification that no statement asks for: the JSON array in the column `line`. Times are milliseconds since the epoch. */
export type Line = [
  id: string,
  created: number,
  version: number,
  progressState: ProgressState,
  connections: number,
  waiter: string | null,
  hasWebhook: 0 | 1,
  type: string,
  category: string | null,
  published: Published,
]

/** Writes the line of an item that has its seq. `counts`: those after it. */
export function lineOf(
  item: Item,
  { event, expiresAt, except = '' }: Draft,
  asks: { waiter: string | undefined; hasWebhook: boolean },
  counts: Counts,
  alert: boolean,
): string {
  const { id, version, progressState, connections, type, category, seenAt, readAt, archivedAt } = item
  const { unread, unseen } = counts
  const states = [timeOf(seenAt), timeOf(readAt), timeOf(archivedAt)] as const
  const published: Published = [event, expiresAt, except, alert ? 1 : 0, unread, unseen, ...states]
  const line: Line = [
    ...([id, Date.parse(item.createdAt), version, progressState, connections] as const),
    ...([asks.waiter ?? null, asks.hasWebhook ? 1 : 0, type, category ?? null, published] as const),
  ]
  return JSON.stringify(line)
}

const timeOf = (text: string | undefined): number | null => (text === undefined ? null : Date.parse(text))

/** Reads a line. */
export const readLine = (text: string): Line => JSON.parse(text)

/** True if a line is that of the notification with this id. */
export const isOf = (id: string, line: string): boolean => line.startsWith(JSON.stringify([id]).slice(0, -1))

/** The item of a row, without its states. */
export function bareItemOf(
  { seq, updated, ends, tag, content }: Pick<StoredItem, 'seq' | 'updated' | 'ends' | 'tag' | 'content'>,
  line: Line,
): Item {
  const [id, created, version, progressState, connections, , , type, category] = line
  return {
    ...{ id, version, type, category: category ?? undefined, seq, tag: tag ?? undefined, progressState },
    ...timesOf(created, updated),
    expiresAt: textOf(ends),
    ...{ deliveredAt: undefined, seenAt: undefined, readAt: undefined, archivedAt: undefined },
    ...{ connections, content },
  }
}

function timesOf(created: number, updated: number): Pick<Item, 'createdAt' | 'updatedAt'> {
  const updatedAt = textOf(updated)
  return { createdAt: created === updated ? updatedAt : textOf(created), updatedAt }
}

/** The item of a row as it stands. */
export function itemOf(stored: StoredItem, states: InboxStates, line = readLine(stored.line)): Item {
  const item = bareItemOf(stored, line)
  if (states.flags(stored.seq) === 0) return item
  item.seenAt = states.time(stored.seq, 'seen')
  item.readAt = states.time(stored.seq, 'read')
  item.archivedAt = states.time(stored.seq, 'archived')
  item.deliveredAt = states.time(stored.seq, 'delivered')
  return item
}
