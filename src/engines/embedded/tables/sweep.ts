import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../../core/model/channel.ts'
import type { Idempotency } from './idempotency.ts'
import type { Reader } from './reader.ts'
import type { Row } from './row.ts'
import type { Rows } from './rows.ts'
import type { Seen } from './seen.ts'
import type { StoreIdentity } from './store.ts'

/** The most rows of each kind that one sweep deletes: some milliseconds of work. */
const MAX_DELETED = 500

/** The most logs that one sweep looks at. Readers do not see what is too old meanwhile; it only takes up space. */
const MAX_LOOKED_AT = 64

/** The parts that the sweep works with. */
export interface SweepParts {
  rows: Rows
  reader: Reader
  idempotency: Idempotency
  seen: Seen
  store: StoreIdentity
}

/** Deletes old entries, logs and idempotency keys, a little at a time. Each call of `run` belongs into a transaction. */
export class Sweep {
  readonly #statements: ReturnType<typeof prepare>
  readonly #parts: SweepParts
  /** The last log that was looked at. */
  #lastId = 0

  constructor(database: DatabaseSync, parts: SweepParts) {
    this.#statements = prepare(database)
    this.#parts = parts
  }

  /** Makes one sweep; returns true if there is more to delete: more may end between two sweeps than one of them deletes. */
  run(): boolean {
    const now = Date.now()
    const { rows, idempotency, seen } = this.#parts
    const keys = idempotency.sweep(now, MAX_DELETED)
    const expired = this.#deleteExpired(now)
    seen.sweep(now, MAX_LOOKED_AT)
    const channels = this.#statements.next.all(this.#lastId, MAX_LOOKED_AT) as unknown as ChannelRow[]
    for (const { name } of channels) {
      const row = rows.load(name)!
      this.#deleteAged(row, now)
      if (row.entries + row.items === 0 && this.#isIdle(row, now)) rows.forget(row)
    }
    this.#lastId = channels.length < MAX_LOOKED_AT ? 0 : channels.at(-1)!.id
    return keys === MAX_DELETED || expired === MAX_DELETED
  }

  #deleteExpired(now: number): number {
    const { rows } = this.#parts
    const expired = this.#statements.expired.all(now, MAX_DELETED) as unknown as Expired[]
    for (const { id, name } of expired) {
      const row = rows.load(name)!
      rows.change(row)
      this.#statements.remove.run(id)
      row.entries--
    }
    return expired.length
  }

  /** Raises the floor over what is too old, and deletes of it what is no notification: those stay until they end. */
  #deleteAged(row: Row, now: number): void {
    const { rows, reader } = this.#parts
    const floor = reader.floorOf(row, now)
    if (floor === row.floor) return
    rows.change(row)
    const removed = this.#statements.removeUpTo.all(row.id, floor, MAX_DELETED) as unknown as {
      seq: number
    }[]
    row.entries -= removed.length
    row.floor =
      removed.length < MAX_DELETED
        ? floor
        : removed.reduce((highest, { seq }) => Math.max(highest, seq), row.floor)
  }

  #isIdle({ channel, used }: Row, now: number): boolean {
    const { seen, store } = this.#parts
    return Math.max(seen.lastSeen(channel) ?? 0, used) < now - store.of(channel).keptFor
  }
}

interface ChannelRow {
  id: number
  name: Channel
}

interface Expired {
  id: number
  name: Channel
}

const prepare = (database: DatabaseSync) => ({
  next: database.prepare('SELECT id, name FROM channel WHERE id > ? ORDER BY id LIMIT ?'),
  expired: database.prepare(`
    SELECT entry.id, channel.name FROM entry JOIN channel ON channel.id = entry.channel
    WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?`),
  remove: database.prepare('DELETE FROM entry WHERE id = ?'),
  removeUpTo: database.prepare(`
    DELETE FROM entry WHERE id IN (SELECT id FROM entry WHERE channel = ? AND seq <= ? ORDER BY seq LIMIT ?)
    RETURNING seq`),
})
