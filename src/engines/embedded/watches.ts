import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { NextWatch, TakenWatch, Watch, Watches } from '../../core/watches.ts'
import type { Transactions } from './transactions.ts'

/** The watches, in a table. One that was replaced while it had something to tell is called "<id> <version>" from then on. */
export class EmbeddedWatches implements Watches {
  readonly #statements: ReturnType<typeof prepare>
  readonly #transactions: Transactions

  constructor(database: DatabaseSync, transactions: Transactions) {
    this.#statements = prepare(database)
    this.#transactions = transactions
  }

  async put(watch: Watch, at: number): Promise<void> {
    const { setAside, put } = this.#statements
    await this.#transactions.write(() => {
      setAside.run(watch.id, watch.version)
      put.run(watch.id, watch.version, at, JSON.stringify(watch))
    })
  }

  async take(now: number, until: number, limit: number): Promise<TakenWatch[]> {
    const { due, take } = this.#statements
    // Nearly every look finds nothing, and costs no write then.
    const isDue = await this.#transactions.read(() => due.get(now, limit) !== undefined)
    if (!isDue) return []
    return this.#transactions.write(() =>
      due.all(now, limit).map(({ id, watch }) => {
        const token = randomUUID()
        take.run(token, until, id!)
        return { watch: JSON.parse(String(watch)), token }
      }),
    )
  }

  async hasten(ids: readonly string[], now: number, deliveredAt?: string): Promise<void> {
    const { note, hasten } = this.#statements
    const these = JSON.stringify(ids)
    await this.#transactions.write(() => {
      if (deliveredAt !== undefined) note.run(deliveredAt, these)
      hasten.run(now, now, these)
    })
  }

  settle({ watch: { id, version }, token }: TakenWatch, next: NextWatch, now: number): Promise<boolean> {
    const { end, settle } = this.#statements
    const names = [id, `${id} ${version}`] as const
    return this.#transactions.write(() => {
      const { changes } =
        next === undefined
          ? end.run(...names, token)
          : settle.run(now, next.at, JSON.stringify(next.watch), ...names, token)
      return changes > 0
    })
  }
}

const prepare = (database: DatabaseSync) => ({
  setAside: database.prepare(`
    UPDATE OR REPLACE watch SET id = id || ' ' || version
    WHERE id = ? AND version < ? AND json_array_length(watch, '$.telling') > 0`),
  put: database.prepare(`
    INSERT INTO watch (id, version, at, watch) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, at = excluded.at, watch = excluded.watch, token = NULL, hastened = 0
    WHERE excluded.version > version`),
  due: database.prepare('SELECT id, watch FROM watch WHERE at <= ? ORDER BY at LIMIT ?'),
  take: database.prepare('UPDATE watch SET token = ?, at = ?, hastened = 0 WHERE id = ?'),
  // The first time stays.
  note: database.prepare(`
    UPDATE watch SET watch = json_insert(watch, '$.deliveredAt', ?) WHERE id IN (SELECT value FROM json_each(?))`),
  // What is taken is hastened when it is given back.
  hasten: database.prepare(`
    UPDATE watch SET hastened = token IS NOT NULL, at = iif(token IS NULL, ?, at)
    WHERE at > ? AND id IN (SELECT value FROM json_each(?))`),
  settle: database.prepare(
    'UPDATE watch SET at = iif(hastened, ?, ?), watch = ?, token = NULL, hastened = 0 WHERE id IN (?, ?) AND token = ?',
  ),
  end: database.prepare('DELETE FROM watch WHERE id IN (?, ?) AND token = ?'),
})
