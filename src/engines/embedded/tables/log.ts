import { randomBytes } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { EngineOptions, Retention } from '../../../core/engine/engine.ts'
import { type Channel, isUserChannel } from '../../../core/model/channel.ts'
import type { Counts } from '../../../core/model/item.ts'
import { type Epoch, type LogState, pruneEpochs } from '../../../core/model/position.ts'
import type { Draft } from '../../../core/model/publication.ts'
import type { Memory } from './transactions.ts'

/** So many logs are remembered; the others are read from the file when they are wanted. */
const MAX_REMEMBERED = 20_000

/** What is known of a log without reading its entries. */
export interface Row extends LogState {
  readonly id: number
  readonly channel: Channel
  seq: number
  floor: number
  epochs: readonly Epoch[]
  /** How many entries the table has; all of them are above the floor. */
  entries: number
  /** When the channel last had a connection, in milliseconds since the epoch. */
  seen: number | undefined
  /** When the log was last written or asked for, in milliseconds since the epoch. */
  used: number
  /** When the first notification of the inbox ends, in milliseconds since the epoch, or before that; undefined if none does. */
  ends: number | undefined
  /** Of the inbox, if they have been counted since the row was read. */
  totals?: Totals | undefined
}

/** How many notifications an inbox has. */
export interface Totals extends Counts {
  items: number
}

/** An entry that was given its number. */
export interface Appended {
  seq: number
  epoch: string
  message: Buffer
}

/** Random characters that may stand in an epoch. */
const name = (): string => randomBytes(6).toString('base64url')

/**
 * The table of logs and that of their entries.
 *
 * A publish appends an entry and leaves the log's row as it is: the highest entry tells the seq as well. The row is written only when
 * something else changes, such as when the first of its notifications ends, and above all when entries are deleted, so that no seq is ever
 * given twice.
 */
export class Log implements Memory {
  readonly #statements: ReturnType<typeof prepare>
  readonly #retention: EngineOptions['retention']
  readonly #runId = name()
  readonly #rows = new Map<Channel, Row>()
  /** The rows that the current transaction has changed. */
  readonly #touched = new Set<Row>()
  /** Those of them whose row in the table is to be written. */
  readonly #changed = new Set<Row>()

  constructor(database: DatabaseSync, retention: EngineOptions['retention']) {
    this.#statements = prepare(database)
    this.#retention = retention
  }

  /** How much of a channel is kept. */
  retentionOf(channel: Channel): Retention {
    return isUserChannel(channel) ? this.#retention.user : this.#retention.room
  }

  /** What is known of a channel's log, if it has been founded. */
  find(channel: Channel): Row | undefined {
    const known = this.#rows.get(channel)
    if (known !== undefined) return known
    const row = this.load(channel)
    if (row !== undefined) this.#remember(row)
    return row
  }

  /** The same, without a place among the remembered ones for a log that is only looked at. */
  load(channel: Channel): Row | undefined {
    const known = this.#rows.get(channel)
    if (known !== undefined) return known
    const found = this.#statements.find.get(channel) as unknown as StoredRow | undefined
    return found === undefined ? undefined : rowOf(found)
  }

  /** What is known of a channel's log, which is founded if it does not exist yet. */
  open(channel: Channel): Row {
    const known = this.find(channel)
    if (known !== undefined) return known
    const epochs = [{ epoch: `${name()}.${this.#runId}`, first: 1 }]
    const used = Date.now()
    const { lastInsertRowid } = this.#statements.found.run(channel, textOf(epochs), used)
    const id = Number(lastInsertRowid)
    const row: Row = {
      id,
      channel,
      seq: 0,
      floor: 0,
      epochs,
      entries: 0,
      seen: undefined,
      used,
      ends: undefined,
    }
    this.touch(row)
    return row
  }

  /** Gives a draft the next seq of its channel and stores what `write` makes of it. */
  append(draft: Draft, write: (seq: number, epoch: string) => string): Appended {
    const row = this.open(draft.channel)
    this.touch(row)
    const seq = ++row.seq
    let { epoch } = row.epochs.at(-1)!
    if (!epoch.endsWith(this.#runId)) {
      epoch = `${epoch.slice(0, epoch.indexOf('.'))}.${this.#runId}`
      row.epochs = [...row.epochs, { epoch, first: seq }]
      this.change(row)
    }
    const message = Buffer.from(write(seq, epoch))
    this.#statements.append.run(row.id, seq, draft.createdAt, draft.expiresAt, message)
    row.entries++
    return { seq, epoch, message }
  }

  /** Deletes one entry, if it is still there. */
  remove(row: Row, seq: number): void {
    this.change(row)
    row.entries -= Number(this.#statements.removeOne.run(row.id, seq).changes)
  }

  /** Notes that the current transaction changes what is remembered of a log; to be called before it does. */
  touch(row: Row): void {
    this.#touched.add(row)
    this.#rows.set(row.channel, row)
  }

  /** Notes that the log's row in the table is to be written with the current transaction. */
  change(row: Row): void {
    row.used = Date.now()
    this.#changed.add(row)
    this.touch(row)
  }

  /** Forgets a log; the next use founds another one. */
  forget(row: Row): void {
    this.#statements.forgetItems.run(row.id)
    this.#statements.forget.run(row.id)
    this.#changed.delete(row)
    this.#touched.delete(row)
    this.#rows.delete(row.channel)
  }

  flush(): void {
    for (const row of this.#touched) this.#trim(row)
    for (const row of this.#changed) {
      row.epochs = pruneEpochs(row.epochs, row.floor)
      const { seq, floor, epochs, seen, used, ends, id } = row
      this.#statements.update.run(seq, floor, textOf(epochs), seen ?? null, used, ends ?? null, id)
    }
  }

  confirm(): void {
    this.#touched.clear()
    this.#changed.clear()
    this.#forgetSome()
  }

  revert(): void {
    for (const { channel } of this.#touched) this.#rows.delete(channel)
    this.#touched.clear()
    this.#changed.clear()
  }

  /** Removes the oldest entries above the number that is kept. */
  #trim(row: Row): void {
    const surplus = row.entries - this.retentionOf(row.channel).count
    if (surplus <= 0) return
    const whole = row.entries === row.seq - row.floor
    const last = whole
      ? row.floor + surplus
      : (this.#statements.nth.get(row.id, surplus - 1) as { seq: number }).seq
    this.#statements.remove.run(row.id, last)
    row.floor = Math.max(row.floor, last)
    row.entries -= surplus
    this.change(row)
  }

  #remember(row: Row): void {
    // While a transaction runs, nothing is forgotten: what it has changed may not be in the table yet.
    if (this.#touched.size === 0) this.#forgetSome()
    this.#rows.set(row.channel, row)
  }

  #forgetSome(): void {
    for (const channel of this.#rows.keys()) {
      if (this.#rows.size < MAX_REMEMBERED) return
      this.#rows.delete(channel)
    }
  }
}

const prepare = (database: DatabaseSync) => ({
  find: database.prepare(`
    SELECT id, name, seq, floor, epochs, seen, used, ends,
      (SELECT max(seq) FROM entry WHERE channel = channel.id) AS last,
      (SELECT count(*) FROM entry WHERE channel = channel.id) AS entries
    FROM channel WHERE name = ?`),
  found: database.prepare('INSERT INTO channel (name, seq, floor, epochs, used) VALUES (?, 0, 0, ?, ?)'),
  forget: database.prepare('DELETE FROM channel WHERE id = ?'),
  forgetItems: database.prepare('DELETE FROM item WHERE channel = ?'),
  update: database.prepare(
    'UPDATE channel SET seq = ?, floor = ?, epochs = ?, seen = ?, used = ?, ends = ? WHERE id = ?',
  ),
  append: database.prepare(
    'INSERT INTO entry (channel, seq, created, expires, message) VALUES (?, ?, ?, ?, ?)',
  ),
  nth: database.prepare('SELECT seq FROM entry WHERE channel = ? ORDER BY seq LIMIT 1 OFFSET ?'),
  remove: database.prepare('DELETE FROM entry WHERE channel = ? AND seq <= ?'),
  removeOne: database.prepare('DELETE FROM entry WHERE channel = ? AND seq = ?'),
})

interface StoredRow {
  [column: string]: SQLInputValue
  id: number
  name: Channel
  seq: number
  floor: number
  epochs: string
  seen: number | null
  used: number
  ends: number | null
  last: number | null
  entries: number
}

function rowOf(stored: StoredRow): Row {
  const { id, name: channel, floor, entries, used } = stored
  const seq = Math.max(stored.seq, stored.last ?? 0)
  const epochs: Epoch[] = JSON.parse(stored.epochs)
  const { seen, ends } = stored
  return { id, channel, seq, floor, epochs, entries, seen: seen ?? undefined, used, ends: ends ?? undefined }
}

const textOf = (epochs: readonly Epoch[]): string => JSON.stringify(epochs)
