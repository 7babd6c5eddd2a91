import type { DatabaseSync } from 'node:sqlite'
import type { Delivery, InboxQuery, Mark } from '../../../core/engine/inbox.ts'
import { type Counts, type Item, type ItemDraft, isUnread, isUnseen } from '../../../core/model/item.ts'
import type { Draft } from '../../../core/model/publication.ts'
import {
  itemOf,
  type States,
  type StoredItem,
  type StoredStates,
  statesOf,
  type Touched,
  type TouchedRow,
  touchedOf,
} from './item-rows.ts'
import type { Log, Row, Totals } from './log.ts'

/** The item that is to be stored for a draft. */
export interface UpsertPlan {
  /** Still without its seq. */
  item: Item
  replaced: Item | undefined
  /** True if it may toast or sound. */
  alert: boolean
}

/** The table of notifications as they stand. Every call that writes belongs into a transaction. */
export class Items {
  readonly #statements: ReturnType<typeof prepare>
  readonly #log: Log

  constructor(database: DatabaseSync, log: Log) {
    this.#statements = prepare(database)
    this.#log = log
  }

  /** Finds the notification with this id or tag. */
  find(row: Row, idOrTag: string): Item | undefined {
    const found = this.#statements.find.get(row.id, idOrTag, idOrTag) as unknown as StoredItem | undefined
    return found && itemOf(found)
  }

  /** Plans what is stored for a draft; returns the stored item instead if that is newer. */
  plan(row: Row, draft: Draft, wanted: ItemDraft, connections: number): UpsertPlan | Item {
    const { tag, version, type, category, progressState, renotify, alert, content, updatedAt, expiresAt } =
      wanted
    const replaced = tag === undefined ? undefined : this.find(row, tag)
    const fresh: Item = {
      ...{
        id: draft.id,
        seq: 0,
        version: version ?? 1,
        tag,
        type,
        category,
        progressState,
        content,
        connections,
      },
      ...{ createdAt: updatedAt, updatedAt, expiresAt },
      ...{ deliveredAt: undefined, seenAt: undefined, readAt: undefined, archivedAt: undefined },
    }
    if (replaced === undefined) return { item: fresh, replaced, alert }
    const isLate = version !== undefined && version <= replaced.version
    const setsBack =
      version === undefined && progressState === 'running' && replaced.progressState === 'finished'
    if (isLate || setsBack) return replaced
    const alertsAgain = renotify || (progressState === 'finished' && replaced.progressState !== 'finished')
    const { id, createdAt, seenAt, readAt, archivedAt } = replaced
    // Numbers above that are not exact.
    const next = Math.min(replaced.version + 1, Number.MAX_SAFE_INTEGER)
    const item = { ...fresh, id, createdAt, version: version ?? next }
    return alertsAgain
      ? { item, replaced, alert }
      : { item: { ...item, seenAt, readAt, archivedAt }, replaced, alert: false }
  }

  /**
   * Stores an item that has its seq, instead of the one with its id, and removes the oldest above the number that is kept. `ends`: its end, in
   * milliseconds since the epoch.
   */
  put(row: Row, item: Item, replaced: Item | undefined, ends: number, { waiter, webhook }: ItemDraft): void {
    const { id, seq, version, tag, type, category, progressState, content, connections } = item
    const { createdAt, updatedAt, expiresAt, seenAt, readAt, archivedAt } = item
    const totals = this.#totals(row)
    this.#statements.put.run(
      ...[row.id, id, seq, version, tag ?? null, type, category ?? null, progressState, createdAt, updatedAt],
      ...[
        expiresAt,
        ends,
        seenAt ?? null,
        readAt ?? null,
        archivedAt ?? null,
        connections,
        content,
        waiter ?? null,
        webhook === undefined ? 0 : 1,
      ],
    )
    if (replaced !== undefined) add(totals, replaced, -1)
    add(totals, item, 1)
    if (ends < (row.ends ?? Number.POSITIVE_INFINITY)) {
      row.ends = ends
      this.#log.change(row)
    }
    const surplus = totals.items - this.#log.retentionOf(row.channel).count
    if (surplus > 0) this.#removeOldest(row, surplus)
  }

  /** Removes the oldest of an inbox. The totals are corrected, not counted anew: a full inbox loses one item with every new one. */
  #removeOldest(row: Row, count: number): void {
    const removed = this.#statements.removeOldest.all(row.id, row.id, count - 1) as unknown as StoredStates[]
    for (const states of removed) add(this.#totals(row), statesOf(states), -1)
  }

  /** Removes an item that the inbox has. */
  remove(row: Row, item: Item): Touched {
    const totals = this.#totals(row)
    const removed = this.#statements.remove.get(row.id, item.id) as unknown as TouchedRow
    add(totals, item, -1)
    return touchedOf(removed)
  }

  /** The counts as they are now. */
  counts(row: Row): Counts {
    const { unread, unseen } = this.#totals(row)
    return { unread, unseen }
  }

  /** The totals, which are counted once and kept up to date while the log is remembered. */
  #totals(row: Row): Totals {
    row.totals ??= this.#statements.totals.get(row.id) as unknown as Totals
    return row.totals
  }

  /** Gives or takes a state; returns the notifications that it changed. */
  mark(row: Row, { ids, before, state, value, at }: Mark): Touched[] {
    const totals = this.#totals(row)
    const changed = this.#statements.mark[state].all(
      ...[value ? at : null, row.id, value ? 1 : 0],
      ...[
        before ?? null,
        before ?? null,
        ids === undefined ? null : JSON.stringify(ids),
        JSON.stringify(ids ?? []),
      ],
    ) as unknown as (TouchedRow & StoredStates)[]
    for (const now of changed) {
      const states = statesOf(now)
      add(totals, { ...states, [`${state}At`]: value ? undefined : at }, -1)
      add(totals, states, 1)
    }
    return changed.map(touchedOf)
  }

  /** Lists as many notifications as the query asks for, and one more if there is one. */
  list(row: Row, { status, category, type, tag, before, limit }: InboxQuery): Item[] {
    const filters = [category, category, type, type, tag, tag].map((filter) => filter ?? null)
    const found = this.#statements.list.all(
      row.id,
      before ?? Number.MAX_SAFE_INTEGER,
      ...filters,
      ...Array(6).fill(status ?? ''),
      limit + 1,
    )
    return (found as unknown as StoredItem[]).map(itemOf)
  }

  /** Notes that a tab has acknowledged everything above the seq `above` up to `seq`; returns what no tab had acknowledged before. */
  acknowledge(row: Row, seq: number, at: string, above: number): Delivery[] {
    const delivered = this.#statements.acknowledge.all(at, row.id, seq, above) as unknown as (TouchedRow & {
      waiter: string | null
    })[]
    return delivered.map((one) => ({ ...touchedOf(one), waiter: one.waiter ?? undefined }))
  }

  /** Lists the channels in which notifications may have ended by `now`, at most `limit`. */
  ended(now: number, limit: number): { channel: Row['channel'] }[] {
    return this.#statements.ended.all(now, limit) as unknown as { channel: Row['channel'] }[]
  }

  /** Finds the notifications of an inbox that have ended, and notes its next end: the caller must remove all of them. */
  takeEnded(row: Row, now: number): Item[] {
    if (row.ends === undefined || now < row.ends) return []
    row.ends = (this.#statements.nextEnd.get(row.id, now) as { ends: number | null }).ends ?? undefined
    this.#log.change(row)
    return (this.#statements.endedOf.all(row.id, now) as unknown as StoredItem[]).map(itemOf)
  }
}

const mark = (column: string) => `
  UPDATE item SET ${column} = ? WHERE channel = ? AND (${column} IS NULL) = ?
    AND (? IS NULL OR updated <= ?) AND (? IS NULL OR id IN (SELECT value FROM json_each(?))) RETURNING id, hasWebhook, seen, read, archived`

const UNREAD = 'read IS NULL AND archived IS NULL'

const prepare = (database: DatabaseSync) => ({
  find: database.prepare('SELECT * FROM item WHERE channel = ? AND (id = ? OR tag = ?)'),
  put: database.prepare(`
    INSERT OR REPLACE INTO item (channel, id, seq, version, tag, type, category, progressState, created, updated, expires, ends,
      seen, read, archived, connections, content, waiter, hasWebhook)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
  remove: database.prepare('DELETE FROM item WHERE channel = ? AND id = ? RETURNING id, hasWebhook'),
  removeOldest: database.prepare(`
    DELETE FROM item WHERE channel = ? AND seq <= (SELECT seq FROM item WHERE channel = ? ORDER BY seq LIMIT 1 OFFSET ?)
    RETURNING seen, read, archived`),
  totals: database.prepare(`
    SELECT count(*) AS items, count(*) FILTER (WHERE ${UNREAD}) AS unread, count(*) FILTER (WHERE ${UNREAD} AND seen IS NULL) AS unseen
    FROM item WHERE channel = ?`),
  mark: {
    seen: database.prepare(mark('seen')),
    read: database.prepare(mark('read')),
    archived: database.prepare(mark('archived')),
  },
  list: database.prepare(`
    SELECT * FROM item WHERE channel = ? AND seq < ?
      AND (? IS NULL OR category = ?) AND (? IS NULL OR type = ?) AND (? IS NULL OR tag = ?)
      AND (? = '' OR (? = 'active' AND archived IS NULL) OR (? = 'unread' AND ${UNREAD}) OR (? = 'unseen' AND ${UNREAD} AND seen IS NULL)
        OR (? = 'read' AND archived IS NULL AND read IS NOT NULL) OR (? = 'archived' AND archived IS NOT NULL))
    ORDER BY seq DESC LIMIT ?`),
  acknowledge: database.prepare(
    'UPDATE item SET delivered = ? WHERE channel = ? AND seq <= ? AND seq > ? AND delivered IS NULL RETURNING id, waiter, hasWebhook',
  ),
  ended: database.prepare('SELECT name AS channel FROM channel WHERE ends <= ? ORDER BY ends LIMIT ?'),
  // The index is faster to read through than the table; one of its own would make every notification dearer.
  nextEnd: database.prepare(
    'SELECT min(ends) AS ends FROM item INDEXED BY item_seq WHERE channel = ? AND ends > ?',
  ),
  endedOf: database.prepare(
    'SELECT * FROM item INDEXED BY item_seq WHERE channel = ? AND ends <= ? ORDER BY ends',
  ),
})

function add(totals: Totals, states: States, sign: 1 | -1): void {
  totals.items += sign
  if (isUnread(states)) totals.unread += sign
  if (isUnseen(states)) totals.unseen += sign
}
