import type { DatabaseSync } from 'node:sqlite'
import { type Counts, type Item, type ItemDraft, isUnread, isUnseen } from '../../../../core/model/item.ts'
import type { Draft } from '../../../../core/model/publication.ts'
import type { Row } from '../row.ts'
import type { Rows } from '../rows.ts'
import { NOT_UNREAD, NOT_UNSEEN } from './block.ts'
import type { Ends } from './ends.ts'
import { hashOfId, isAsked, KEY, keyOf } from './item-key.ts'
import { COLUMNS, isOf, itemOf, lineOf, type StoredItem } from './item-row.ts'
import type { InboxStates, States } from './states.ts'

/** A notification with its row. */
export interface Found {
  stored: StoredItem
  item: Item
}

/** The item that is to be stored for a draft. */
export interface UpsertPlan {
  /** Still without its seq. */
  item: Item
  replaced: Found | undefined
  /** True if it may toast or sound. */
  alert: boolean
}

/** The parts that the tables of notifications work with. */
export interface ItemsParts {
  rows: Rows
  states: States
  ends: Ends
}

/** The table of notifications and that of their tags. Every call that writes belongs into a transaction. */
export class Items {
  readonly #statements: ReturnType<typeof prepare>
  readonly #parts: ItemsParts

  constructor(database: DatabaseSync, parts: ItemsParts) {
    this.#statements = prepare(database)
    this.#parts = parts
  }

  /** Finds the notification with this id or tag. */
  find(row: Row, idOrTag: string): Found | undefined {
    if (row.items === 0) return undefined
    const stored = this.findTagged(row, idOrTag) ?? this.#findById(row, idOrTag)
    return stored && { stored, item: itemOf(stored, this.#parts.states.of(row)) }
  }

  /** Finds the notification with this tag. */
  findTagged(row: Row, tag: string): StoredItem | undefined {
    return this.#statements.findTagged.get(row.id, tag) as unknown as StoredItem | undefined
  }

  #findById(row: Row, id: string): StoredItem | undefined {
    const found = this.#statements.findHashed.all(row.id, hashOfId(id)) as unknown as StoredItem[]
    return found.find(({ line }) => isOf(id, line))
  }

  /** Plans what is stored for a draft; returns the stored item instead if that is newer. */
  plan(row: Row, draft: Draft, wanted: ItemDraft, connections: number): UpsertPlan | Item {
    const { tag, version, type, category, progressState, renotify, alert, content, expiresAt } = wanted
    const updatedAt = this.#neverFalling(row, wanted.updatedAt)
    const replaced = tag === undefined ? undefined : this.find(row, tag)
    const fresh: Item = {
      ...{
        id: draft.id,
        version: version ?? 1,
        type,
        category,
        seq: 0,
        tag,
        progressState,
        connections,
        content,
      },
      ...{ createdAt: wanted.updatedAt, updatedAt, expiresAt },
      ...{ deliveredAt: undefined, seenAt: undefined, readAt: undefined, archivedAt: undefined },
    }
    if (replaced === undefined) return { item: fresh, replaced, alert }
    const before = replaced.item
    const isLate = version !== undefined && version <= before.version
    const setsBack =
      version === undefined && progressState === 'running' && before.progressState === 'finished'
    if (isLate || setsBack) return before
    const alertsAgain = renotify || (progressState === 'finished' && before.progressState !== 'finished')
    const { id, createdAt, seenAt, readAt, archivedAt } = before
    // Numbers above that are not exact.
    const next = Math.min(before.version + 1, Number.MAX_SAFE_INTEGER)
    const item = { ...fresh, id, createdAt, version: version ?? next }
    return alertsAgain
      ? { item, replaced, alert }
      : { item: { ...item, seenAt, readAt, archivedAt }, replaced, alert: false }
  }

  /** The time of an update, or the last one of the inbox if that is later. */
  #neverFalling(row: Row, updatedAt: string): string {
    return Date.parse(updatedAt) < row.updated ? new Date(row.updated).toISOString() : updatedAt
  }

  /**
   * Stores an item that has its seq, and removes the oldest above the number that is kept; returns the counts after it. `ends`: its end, in
   * milliseconds since the epoch.
   */
  put(row: Row, { item, alert }: UpsertPlan, draft: Draft, ends: number, wanted: ItemDraft): Counts {
    const { states } = this.#parts
    const counts = this.#parts.states.counts(row)
    row.items++
    if (isUnread(item)) counts.unread++
    if (isUnseen(item)) counts.unseen++
    this.#removeOldest(row)
    const { seq, tag } = item
    row.updated = Date.parse(item.updatedAt)
    const asks = { waiter: wanted.waiter, hasWebhook: wanted.webhook !== undefined }
    const asked = asks.waiter !== undefined || asks.hasWebhook
    if (asked) row.asked++
    const key = keyOf(item, this.#parts.ends.add(row, seq, ends), asked)
    const line = lineOf(item, draft, asks, counts, alert)
    const { id, updated, floor } = row
    const { put } = this.#statements
    put.run(id, seq, key, draft.createdAt, updated, ends, floor, tag ?? null, line, item.content)
    if (tag !== undefined) this.#statements.putTag.run(row.id, tag, seq)
    if (item.seenAt ?? item.readAt ?? item.archivedAt) {
      const view = states.of(row)
      for (const state of ['seen', 'read', 'archived'] as const)
        if (item[`${state}At`] !== undefined) view.set(seq, state, Date.parse(item[`${state}At`]!))
      view.save()
    }
    return { ...counts }
  }

  /** Removes notifications that the inbox has. */
  remove(row: Row, removed: readonly StoredItem[]): void {
    this.#parts.rows.change(row)
    const view = this.#parts.states.of(row)
    for (const stored of removed) {
      this.#statements.remove.run(row.id, stored.seq)
      this.#forget(row, stored, view)
    }
    view.save()
  }

  /** Removes the oldest above the number that is kept. The log admits that: the new notification is stored with the floor. */
  #removeOldest(row: Row): void {
    const { rows, states } = this.#parts
    const surplus = row.items - rows.retentionOf(row.channel).count
    if (surplus <= 0) return
    const view = states.of(row)
    const last = this.#statements.nth.get(row.id, surplus - 1) as { seq: number }
    for (const stored of this.#statements.removeUpTo.all(row.id, last.seq) as unknown as StoredItem[]) {
      row.floor = Math.max(row.floor, stored.seq)
      this.#forget(row, stored, view)
    }
    view.save()
  }

  /** Forgets what is kept of a notification beside its row. */
  #forget(row: Row, stored: Pick<StoredItem, 'seq' | 'key' | 'tag'>, view: InboxStates): void {
    const counts = this.#parts.states.counts(row)
    const flags = view.clear(stored.seq)
    row.items--
    if ((flags & NOT_UNREAD) === 0) counts.unread--
    if ((flags & NOT_UNSEEN) === 0) counts.unseen--
    if (isAsked(stored.key)) row.asked--
    if (stored.tag !== null) this.#statements.removeTag.run(row.id, stored.tag, stored.seq)
    this.#parts.ends.remove(row, stored)
  }

  /** The counts as they are now. */
  counts(row: Row): Counts {
    return { ...this.#parts.states.counts(row) }
  }
}

const prepare = (database: DatabaseSync) => ({
  findTagged: database.prepare(`
    SELECT ${COLUMNS} FROM item WHERE channel = ?1 AND seq = (SELECT seq FROM tag WHERE channel = ?1 AND tag = ?2)`),
  findHashed: database.prepare(`SELECT ${COLUMNS} FROM item WHERE channel = ? AND ${KEY.id} = ?`),
  put: database.prepare(`
    INSERT INTO item (channel, seq, key, created, updated, ends, floor, tag, line, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
  putTag: database.prepare(
    'INSERT INTO tag (channel, tag, seq) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq',
  ),
  removeTag: database.prepare('DELETE FROM tag WHERE channel = ? AND tag = ? AND seq = ?'),
  remove: database.prepare('DELETE FROM item WHERE channel = ? AND seq = ?'),
  nth: database.prepare('SELECT seq FROM item WHERE channel = ? ORDER BY seq LIMIT 1 OFFSET ?'),
  removeUpTo: database.prepare('DELETE FROM item WHERE channel = ? AND seq <= ? RETURNING seq, key, tag'),
})
