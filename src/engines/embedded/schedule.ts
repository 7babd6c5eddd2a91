import type { DatabaseSync } from 'node:sqlite'
import { CANCELLED_FOR, type Schedule, type Scheduled } from '../../core/engine/schedule.ts'
import type { Channel } from '../../core/model/channel.ts'
import type { Idempotency } from './tables/idempotency.ts'
import type { Transactions } from './tables/transactions.ts'

/** The scheduled notifications in their table. */
export class EmbeddedSchedule implements Schedule {
  readonly #statements: ReturnType<typeof prepare>
  readonly #transactions: Transactions
  readonly #idempotency: Idempotency

  constructor(database: DatabaseSync, transactions: Transactions, idempotency: Idempotency) {
    this.#statements = prepare(database)
    this.#transactions = transactions
    this.#idempotency = idempotency
  }

  add(scheduled: Scheduled): Promise<{ id: string; replayed: boolean }> {
    const { draft, at } = scheduled
    return this.#transactions.write(() => {
      const now = Date.now()
      const known = this.#idempotency.recall(draft, now)
      if (known !== undefined) return { id: known.id, replayed: true }
      const { channel, id, item } = draft
      this.#statements.add.run(channel, id, item?.tag ?? null, at, JSON.stringify(scheduled))
      this.#idempotency.remember(draft, { id, seq: 0, epoch: '' }, now)
      return { id, replayed: false }
    })
  }

  due(now: number, limit: number): Promise<Scheduled[]> {
    return this.#transactions.write(() => {
      this.#statements.sweep.run(now - CANCELLED_FOR)
      return this.#statements.due.all(now, limit).map(scheduledOf)
    })
  }

  find(channel: Channel, idOrTag: string): Promise<Scheduled | undefined> {
    return this.#transactions.read(() => {
      const found = this.#statements.find.get(channel, idOrTag, idOrTag)
      return found && scheduledOf(found)
    })
  }

  cancel(channel: Channel, id: string): Promise<boolean> {
    return this.#transactions.write(() => this.#statements.cancel.run(Date.now(), channel, id).changes > 0)
  }

  conclude(channel: Channel, id: string): Promise<boolean> {
    return this.#transactions.write(() => {
      if (this.#statements.isCancelled.get(channel, id) !== undefined) return true
      this.#statements.remove.run(channel, id)
      return false
    })
  }
}

const scheduledOf = (row: Record<string, unknown>): Scheduled => JSON.parse(String(row.scheduled))

const prepare = (database: DatabaseSync) => ({
  add: database.prepare('INSERT INTO schedule (channel, id, tag, at, scheduled) VALUES (?, ?, ?, ?, ?)'),
  due: database.prepare(
    'SELECT scheduled FROM schedule WHERE at <= ? AND cancelled IS NULL ORDER BY at LIMIT ?',
  ),
  find: database.prepare(
    'SELECT scheduled FROM schedule WHERE channel = ? AND (id = ? OR tag = ?) AND cancelled IS NULL ORDER BY at LIMIT 1',
  ),
  cancel: database.prepare(
    'UPDATE schedule SET cancelled = ? WHERE channel = ? AND id = ? AND cancelled IS NULL',
  ),
  isCancelled: database.prepare(
    'SELECT 1 FROM schedule WHERE channel = ? AND id = ? AND cancelled IS NOT NULL',
  ),
  sweep: database.prepare('DELETE FROM schedule WHERE cancelled < ?'),
  remove: database.prepare('DELETE FROM schedule WHERE channel = ? AND id = ?'),
})
