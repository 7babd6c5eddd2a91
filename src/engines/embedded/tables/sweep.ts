import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../../core/model/channel.ts'
import type { Idempotency } from './idempotency.ts'
import type { Log, Row } from './log.ts'
import type { Reader } from './reader.ts'

/** The most rows of each kind that one sweep deletes: some milliseconds of work. */
const MAX_DELETED = 500

/** The most logs that one sweep looks at. Readers do not see what is too old meanwhile; it only takes up space. */
const MAX_LOOKED_AT = 64

/** Deletes old entries, logs and idempotency keys, a little at a time. Each call of `run` belongs into a transaction. */
export class Sweep {
  readonly #statements: ReturnType<typeof prepare>
  readonly #log: Log
  readonly #reader: Reader
  readonly #idempotency: Idempotency
  readonly #connectionsOf: (channel: Channel) => number
  /** The last log that was looked at. */
  #lastId = 0

  constructor(
    database: DatabaseSync,
    log: Log,
    reader: Reader,
    idempotency: Idempotency,
    connectionsOf: (channel: Channel) => number,
  ) {
    this.#statements = prepare(database)
    this.#log = log
    this.#reader = reader
    this.#idempotency = idempotency
    this.#connectionsOf = connectionsOf
  }

  /** Makes one sweep; returns true if there is more to delete: more may end between two sweeps than one of them deletes. */
  run(): boolean {
    const now = Date.now()
    const keys = this.#idempotency.sweep(now, MAX_DELETED)
    const expired = this.#deleteExpired(now)
    const channels = this.#statements.next.all(this.#lastId, MAX_LOOKED_AT) as unknown as ChannelRow[]
    for (const { name } of channels) {
      const row = this.#log.load(name)!
      this.#deleteAged(row, now)
      if (row.entries === 0 && this.#isIdle(row, now)) this.#log.forget(row)
    }
    this.#lastId = channels.length < MAX_LOOKED_AT ? 0 : channels.at(-1)!.id
    return keys === MAX_DELETED || expired === MAX_DELETED
  }

  #deleteExpired(now: number): number {
    const expired = this.#statements.expired.all(now, MAX_DELETED) as unknown as Expired[]
    for (const { id, name } of expired) {
      const row = this.#log.load(name)!
      this.#log.change(row)
      this.#statements.remove.run(id)
      row.entries--
    }
    return expired.length
  }

  #deleteAged(row: Row, now: number): void {
    const floor = this.#reader.floorOf(row, now)
    if (floor === row.floor) return
    this.#log.change(row)
    const removed = this.#statements.removeUpTo.all(row.id, floor, MAX_DELETED) as unknown as {
      seq: number
    }[]
    row.floor = removed.reduce((highest, { seq }) => Math.max(highest, seq), row.floor)
    row.entries -= removed.length
  }

  #isIdle({ channel, seen = 0, used }: Row, now: number): boolean {
    const { seconds } = this.#log.retentionOf(channel)
    return this.#connectionsOf(channel) === 0 && Math.max(seen, used) < now - seconds * 1000
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
