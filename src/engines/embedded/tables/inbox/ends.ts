import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../../../core/model/channel.ts'
import type { Row } from '../row.ts'
import type { Rows } from '../rows.ts'
import { isApart, KEY } from './item-key.ts'
import { COLUMNS, type StoredItem } from './item-row.ts'

/**
 * The ends of notifications. Nearly all end in the order in which they came, so the log itself says what ends next. One that ends before one in
 * front of it (its own time is shorter, or the retention has been made shorter) is *apart*: its end has a row of its own.
 */
export class Ends {
  readonly #statements: ReturnType<typeof prepare>
  readonly #rows: Rows

  constructor(database: DatabaseSync, rows: Rows) {
    this.#statements = prepare(database)
    this.#rows = rows
  }

  /** Notes the end of a new notification (milliseconds since the epoch); returns true if it is apart. */
  add(row: Row, seq: number, ends: number): boolean {
    if (row.ends === undefined || ends < row.ends) {
      row.ends = ends
      this.#rows.change(row)
    }
    if (ends >= row.lastEnd) {
      row.lastEnd = ends
      return false
    }
    this.#statements.add.run(row.id, seq, ends)
    return true
  }

  /** Forgets the end of a notification that is removed. */
  remove(row: Row, { seq, key }: Pick<StoredItem, 'seq' | 'key'>): void {
    if (isApart(key)) this.#statements.remove.run(row.id, seq)
  }

  /** Lists the channels in which notifications may have ended by `now`, at most `limit`. */
  due(now: number, limit: number): { channel: Channel }[] {
    return this.#statements.due.all(now, limit) as unknown as { channel: Channel }[]
  }

  /** Finds the notifications that have ended by `now`, the first first, and notes the next end: the caller must remove all of them. */
  take(row: Row, now: number): StoredItem[] {
    if (row.ends === undefined || now < row.ends) return []
    const ended = this.#statements.apart.all(row.id, now) as unknown as StoredItem[]
    let next = (this.#statements.nextApart.get(row.id, now) as { ends: number | null }).ends ?? undefined
    for (const item of this.#statements.inOrder.iterate(
      row.id,
    ) as Iterable<unknown> as Iterable<StoredItem>) {
      if (item.ends > now) {
        next = Math.min(item.ends, next ?? item.ends)
        break
      }
      ended.push(item)
    }
    row.ends = next
    this.#rows.change(row)
    return ended.sort((one, other) => one.ends - other.ends || one.seq - other.seq)
  }
}

const prepare = (database: DatabaseSync) => ({
  add: database.prepare('INSERT INTO ending (channel, seq, ends) VALUES (?, ?, ?)'),
  remove: database.prepare('DELETE FROM ending WHERE channel = ? AND seq = ?'),
  due: database.prepare('SELECT name AS channel FROM channel WHERE ends <= ? ORDER BY ends LIMIT ?'),
  apart: database.prepare(`
    SELECT ${COLUMNS.replaceAll(/\w+/g, 'item.$&')} FROM ending JOIN item ON item.channel = ending.channel AND item.seq = ending.seq
    WHERE ending.channel = ? AND ending.ends <= ?`),
  nextApart: database.prepare('SELECT min(ends) AS ends FROM ending WHERE channel = ? AND ends > ?'),
  inOrder: database.prepare(
    `SELECT ${COLUMNS} FROM item WHERE channel = ? AND NOT ${KEY.isApart} ORDER BY seq`,
  ),
})
