import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { EngineOptions, Retention } from '../../../core/engine/engine.ts'
import { type Channel, isUserChannel } from '../../../core/model/channel.ts'
import { type Epoch, pruneEpochs } from '../../../core/model/position.ts'
import { isApart, KEY } from './inbox/item-key.ts'
import type { Row } from './row.ts'

/** The most logs that are remembered; the others are read from the file when they are used. */
const MAX_REMEMBERED = 20_000

/** Random characters, as a part of an epoch. */
const randomName = (): string => randomBytes(6).toString('base64url')

/**
 * The table of logs.
 *
 * A publish appends an entry and leaves the log's row as it is: the highest entry has the seq as well, and a notification the floor too. The row is
 * written only when something else changes, such as the first end of its notifications, and above all when others than the oldest are deleted, so
 * that no seq is ever given twice.
 */
export class Rows {
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

  /** The rows that the current transaction has changed. */
  get touched(): Iterable<Row> {
    return this.#touched
  }

  /** Finds a channel's log, and remembers it; undefined if it was not yet written. */
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
    return found && this.#complete(found)
  }

  /** Finds a channel's log, or founds it, for an entry that is to be written. */
  open(channel: Channel): Row {
    const known = this.find(channel)
    if (known !== undefined) return known
    const epochs = [{ epoch: `${randomName()}.${this.#runId}`, first: 1 }]
    const used = Date.now()
    const id = Number(this.#statements.found.run(channel, textOf(epochs), used).lastInsertRowid)
    const row: Row = {
      ...{ id, channel, seq: 0, floor: 0, epochs, entries: 0, items: 0, asked: 0, isMarked: false, used },
      ...{ ends: undefined, lastEnd: 0, updated: 0, acknowledged: 0, agesAt: 0 },
    }
    this.touch(row)
    return row
  }

  /** Gives an entry of `created` (milliseconds since the epoch) the next seq of its log, and the epoch of this run. */
  number(row: Row, created: number): { seq: number; epoch: string } {
    this.touch(row)
    row.agesAt = Math.min(row.agesAt, created + this.retentionOf(row.channel).seconds * 1000)
    const seq = ++row.seq
    let { epoch } = row.epochs.at(-1)!
    if (!epoch.endsWith(this.#runId)) {
      epoch = `${epoch.slice(0, epoch.indexOf('.'))}.${this.#runId}`
      row.epochs = [...row.epochs, { epoch, first: seq }]
      this.change(row)
    }
    return { seq, epoch }
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

  /** Forgets a log that has no entries; the next entry founds another one. */
  forget(row: Row): void {
    this.#statements.forget.run(row.id)
    this.#changed.delete(row)
    this.#touched.delete(row)
    this.#rows.delete(row.channel)
  }

  /** Writes what the current transaction has changed. */
  flush(): void {
    for (const row of this.#changed) {
      row.epochs = pruneEpochs(row.epochs, row.floor)
      const { seq, floor, epochs, used, ends, updated, id } = row
      this.#statements.update.run(seq, floor, textOf(epochs), used, ends ?? null, updated, id)
    }
  }

  /** After the commit: what is remembered is what the tables say. */
  confirm(): void {
    this.#touched.clear()
    this.#changed.clear()
    this.#forgetSome()
  }

  /** After the transaction was taken back: forgets what it changed. */
  revert(): void {
    for (const { channel } of this.#touched) this.#rows.delete(channel)
    this.#touched.clear()
    this.#changed.clear()
  }

  #complete(stored: StoredRow): Row {
    const { id, name: channel, floor, epochs, used, ends, entries, items } = stored
    const newest = items === 0 ? undefined : (this.#statements.newest.get(id) as unknown as Newest)
    return {
      ...{
        id,
        channel,
        floor: Math.max(floor, newest?.floor ?? 0),
        epochs: JSON.parse(epochs),
        entries,
        items,
        asked: stored.asked,
        used,
      },
      seq: Math.max(stored.seq, stored.lastEntry ?? 0, stored.lastItem ?? 0),
      isMarked: stored.isMarked === 1,
      ends: ends ?? undefined,
      lastEnd: newest === undefined || isApart(newest.key) ? this.#lastEndOf(id, items) : newest.ends,
      updated: Math.max(stored.updated, newest?.updated ?? 0),
      acknowledged: 0,
      agesAt: 0,
    }
  }

  #lastEndOf(id: number, items: number): number {
    if (items === 0) return 0
    return (this.#statements.newestInOrder.get(id) as { ends: number } | undefined)?.ends ?? 0
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

/** The facts that the newest notification has for its log. */
interface Newest {
  updated: number
  ends: number
  floor: number
  key: number
}

interface StoredRow {
  id: number
  name: Channel
  seq: number
  floor: number
  epochs: string
  used: number
  ends: number | null
  updated: number
  lastEntry: number | null
  entries: number
  lastItem: number | null
  items: number
  asked: number
  isMarked: 0 | 1
}

const prepare = (database: DatabaseSync) => ({
  find: database.prepare(`
    SELECT id, name, seq, floor, epochs, used, ends, updated,
      (SELECT max(seq) FROM entry WHERE channel = channel.id) AS lastEntry,
      (SELECT count(*) FROM entry WHERE channel = channel.id) AS entries,
      (SELECT max(seq) FROM item WHERE channel = channel.id) AS lastItem,
      (SELECT count(*) FROM item WHERE channel = channel.id) AS items,
      (SELECT count(*) FROM item WHERE channel = channel.id AND ${KEY.isAsked}) AS asked,
      EXISTS (SELECT 1 FROM states WHERE channel = channel.id) AS isMarked
    FROM channel WHERE name = ?`),
  newest: database.prepare(
    'SELECT updated, ends, floor, key FROM item WHERE channel = ? ORDER BY seq DESC LIMIT 1',
  ),
  newestInOrder: database.prepare(
    `SELECT ends FROM item WHERE channel = ? AND NOT ${KEY.isApart} ORDER BY seq DESC LIMIT 1`,
  ),
  found: database.prepare(
    'INSERT INTO channel (name, seq, floor, epochs, used, updated) VALUES (?, 0, 0, ?, ?, 0)',
  ),
  forget: database.prepare('DELETE FROM channel WHERE id = ?'),
  update: database.prepare(
    'UPDATE channel SET seq = ?, floor = ?, epochs = ?, used = ?, ends = ?, updated = ? WHERE id = ?',
  ),
})

const textOf = (epochs: readonly Epoch[]): string => JSON.stringify(epochs)
