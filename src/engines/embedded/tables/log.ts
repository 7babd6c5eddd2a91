import { randomBytes } from 'node:crypto'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { EngineOptions, Retention } from '../../../core/engine/engine.ts'
import { type Channel, isUserChannel } from '../../../core/model/channel.ts'
import type { Counts } from '../../../core/model/item.ts'
import { type Epoch, type LogState, pruneEpochs } from '../../../core/model/position.ts'
import type { Draft } from '../../../core/model/publication.ts'
import type { Memory } from './transactions.ts'

/** The most logs that are remembered; the others are read from the file when they are used. */
const MAX_REMEMBERED = 20_000

/** The facts about a log that are known without reading its entries. */
export interface Row extends LogState {
  readonly id: number
  readonly channel: Channel
  seq: number
  floor: number
  epochs: readonly Epoch[]
  /** The number of entries in the table; all of them are above the floor. */
  entries: number
  /** The time at which the channel last had a connection, in milliseconds since the epoch. */
  seen: number | undefined
  /** The time at which the log was last written or read, in milliseconds since the epoch. */
  used: number
  /** A time at or before the first end of a notification of the inbox, in milliseconds since the epoch; undefined if there are none. */
  ends: number | undefined
  /** The totals of the inbox, if they have been counted since the row was read. */
  totals?: Totals | undefined
}

/** The number of notifications of an inbox, with its counts. */
export interface Totals extends Counts {
  items: number
}

/** An entry that has received its seq. `message`: its wire form. */
export interface Appended {
  seq: number
  epoch: string
  message: Buffer
}

/** Random characters, as a part of an epoch. */
const randomName = (): string => randomBytes(6).toString('base64url')

/**
 * The table of logs and that of their entries.
 *
 * A publish appends an entry and leaves the log's row as it is: the highest entry has the seq as well. The row is written only when something
 * else changes, such as the first end of its notifications, and above all when entries are deleted, so that no seq is ever given twice.
 */
export class Log implements Memory {
  readonly #statements: ReturnType<typeof prepare>
  readonly #retention: EngineOptions['retention']
  readonly #runId = randomName()
  readonly #rows = new Map<Channel, Row>()
  /** The rows that the current transaction has changed. */
  readonly #touched = new Set<Row>()
  /** The rows of them that are to be written to the table. */
  readonly #changed = new Set<Row>()

  constructor(database: DatabaseSync, retention: EngineOptions['retention']) {
    this.#statements = prepare(database)
    this.#retention = retention
  }

  /** The limits of a channel's log. */
  retentionOf(channel: Channel): Retention {
    return isUserChannel(channel) ? this.#retention.user : this.#retention.room
  }

  /** Finds a channel's log, and remembers it; undefined if it has not been founded. */
  find(channel: Channel): Row | undefined {
    const known = this.#rows.get(channel)
    if (known !== undefined) return known
    const row = this.load(channel)
    if (row !== undefined) this.#remember(row)
    return row
  }

  /** Finds a channel's log like `find`, but does not remember one that is only looked at. */
  load(channel: Channel): Row | undefined {
    const known = this.#rows.get(channel)
    if (known !== undefined) return known
    const found = this.#statements.find.get(channel) as unknown as StoredRow | undefined
    return found === undefined ? undefined : rowOf(found)
  }

  /** Finds a channel's log, or founds it. */
  open(channel: Channel): Row {
    const known = this.find(channel)
    if (known !== undefined) return known
    const epochs = [{ epoch: `${randomName()}.${this.#runId}`, first: 1 }]
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

  /** Gives a draft the next seq of its channel and stores the text that `write` returns. */
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
    const hasNoHoles = row.entries === row.seq - row.floor
    const last = hasNoHoles
      ? row.floor + surplus
      : (this.#statements.nth.get(row.id, surplus - 1) as { seq: number }).seq
    this.#statements.remove.run(row.id, last)
    row.floor = Math.max(row.floor, last)
    row.entries -= surplus
    this.change(row)
  }

  #remember(row: Row): void {
    // While a transaction runs, nothing is forgotten: its changes may not be in the table yet.
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
