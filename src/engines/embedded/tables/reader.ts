import type { DatabaseSync } from 'node:sqlite'
import type { LogPage, PageLimit } from '../../../core/engine/broker.ts'
import { type Channel, isUserChannel } from '../../../core/model/channel.ts'
import { decodeOrSkip, encodeItem } from '../../../core/model/encoding.ts'
import {
  type Cursor,
  continueFrom,
  headOf,
  positionAt,
  type StreamPosition,
  unwrittenLog,
} from '../../../core/model/position.ts'
import type { Publication } from '../../../core/model/publication.ts'
import { bareItemOf, readLine, type StoredItem, textOf } from './item-row.ts'
import type { Row, Rows } from './rows.ts'
import type { StoreIdentity } from './store.ts'

/** Reads logs, without what is too old or has expired but is not deleted yet. */
export class Reader {
  readonly #statements: ReturnType<typeof prepare>
  readonly #rows: Rows
  readonly #store: StoreIdentity

  constructor(database: DatabaseSync, rows: Rows, store: StoreIdentity) {
    this.#statements = prepare(database)
    this.#rows = rows
    this.#store = store
  }

  /** The end of a log; `row` is undefined if it was not yet written. */
  headOf(channel: Channel, row: Row | undefined): StreamPosition {
    return headOf(row ?? unwrittenLog(this.#store.of(channel).identity, Date.now()))
  }

  /** Reads as in `Broker.since`. */
  since(channel: Channel, row: Row | undefined, cursor: Cursor, limit: PageLimit): LogPage {
    const now = Date.now()
    const facts = this.#store.of(channel)
    const log =
      row === undefined ? unwrittenLog(facts.identity, now) : { ...row, floor: this.floorOf(row, now) }
    const { after, gap } = continueFrom(log, cursor, facts, now)
    const entries = row === undefined ? [] : this.#entries('after', row, [after, now])
    const { publications, complete } = pageOf(entries, limit)
    const head = headOf(log)
    const end = complete ? head : positionOf(publications.at(-1)!)
    return { ...(gap === undefined ? {} : { gap }), publications, head, complete, end }
  }

  /** Reads as in `Broker.latest`. */
  latest(channel: Channel, row: Row | undefined, before: number | undefined, limit: PageLimit): LogPage {
    const now = Date.now()
    const entries =
      row === undefined
        ? []
        : this.#entries('before', row, [before ?? row.seq + 1, this.floorOf(row, now), now])
    const { publications, complete } = pageOf(entries, limit)
    const head = this.headOf(channel, row)
    const end = publications.length === 0 ? head : positionOf(publications.at(-1)!)
    return { publications: publications.reverse(), head, complete, end }
  }

  /**
   * The floor of a log as its readers see it: what is too old by `now` (milliseconds since the epoch) may still be in the tables. Notifications
   * that have ended by then raise no floor: they are removed, and that is reported.
   */
  floorOf(row: Row, now: number): number {
    const oldest = now - this.#rows.retentionOf(row.channel).seconds * 1000
    const { ofEntries, ofItems } = this.#statements
    const entries = row.entries === 0 ? 0 : lastAged(ofEntries, row, oldest, now)
    const items = row.items === 0 ? 0 : lastAged(ofItems, row, oldest, now)
    return Math.max(row.floor, entries, items)
  }

  /** The entries of a log in the order of a statement, each in its wire form. */
  *#entries(order: 'after' | 'before', row: Row, bounds: readonly number[]): Iterable<Entry> {
    const { ofUser, ofRoom } = this.#statements
    const isUser = isUserChannel(row.channel)
    const found = isUser
      ? ofUser[order].iterate(row.id, ...bounds, row.id, ...bounds)
      : ofRoom[order].iterate(row.id, ...bounds)
    for (const entry of found as Iterable<unknown> as Iterable<StoredEntry>) {
      const bytes = entry.message === null ? itemMessage(row, entry) : bytesOf(entry.message)
      yield { size: bytes.length, publications: decodeOrSkip(row.channel, bytes) }
    }
  }
}

/** `size`: in bytes. `publications`: none if the entry cannot be read. */
interface Entry {
  size: number
  publications: Publication[]
}

interface StoredEntry extends StoredItem {
  message: Uint8Array | null
}

const bytesOf = (message: Uint8Array): Buffer =>
  Buffer.from(message.buffer, message.byteOffset, message.byteLength)

/** The wire form of a notification as it was published; empty if its row cannot be read. */
function itemMessage(row: Row, stored: StoredItem): Buffer {
  try {
    const line = readLine(stored.line)
    const [event, expiresAt, except, alert, unread, unseen, seen, read, archived] = line[9]
    const item = bareItemOf(stored, line)
    item.seenAt = timeOf(seen)
    item.readAt = timeOf(read)
    item.archivedAt = timeOf(archived)
    const { id } = item
    const draft = { channel: row.channel, id, event, head: '', tail: '', stored: true }
    const wire = { ...draft, createdAt: stored.created, expiresAt, except }
    const { epoch } = positionAt(row, stored.seq)
    return Buffer.from(encodeItem(wire, item, epoch, { unread, unseen }, alert === 1))
  } catch {
    return Buffer.of()
  }
}

const timeOf = (time: number | null): string | undefined => (time === null ? undefined : textOf(time))

type Aged = ReturnType<typeof prepare>['ofItems']

/** The highest seq above the floor among those that are older than `oldest` and before all that are not; 0 for none. */
function lastAged({ first, firstSince, lastBelow }: Aged, row: Row, oldest: number, now: number): number {
  const next = first.get(row.id, row.floor) as { created: number } | undefined
  if (next === undefined || next.created >= oldest) return 0
  const young = firstSince.get(row.id, row.floor, oldest) as { seq: number } | undefined
  const last = lastBelow.get(row.id, row.floor, young?.seq ?? row.seq + 1, now) as { seq: number } | undefined
  return last?.seq ?? 0
}

const ITEM = 'seq, key, created, updated, ends, tag, line, content, NULL AS message'
const ENTRY = 'seq, 0, created, 0, expires, NULL, NULL, NULL, message'
const aged = (database: DatabaseSync, table: string, isKept: string) => ({
  first: database.prepare(`SELECT created FROM ${table} WHERE channel = ? AND seq > ? ORDER BY seq LIMIT 1`),
  firstSince: database.prepare(
    `SELECT seq FROM ${table} WHERE channel = ? AND seq > ? AND created >= ? ORDER BY seq LIMIT 1`,
  ),
  lastBelow: database.prepare(
    `SELECT seq FROM ${table} WHERE channel = ? AND seq > ? AND seq < ? AND ${isKept} ORDER BY seq DESC LIMIT 1`,
  ),
})

const prepare = (database: DatabaseSync) => {
  const ofRoom = (columns: string, order: 'after' | 'before') => {
    const bounds = order === 'after' ? 'seq > ?' : 'seq < ? AND seq > ?'
    return `SELECT ${columns} FROM entry WHERE channel = ? AND ${bounds} AND (expires = 0 OR expires > ?)`
  }
  // Both are read by their index, and merged by their seqs.
  const ofUser = (order: 'after' | 'before') => {
    const bounds = order === 'after' ? 'seq > ?' : 'seq < ? AND seq > ?'
    return `SELECT ${ITEM} FROM item WHERE channel = ? AND ${bounds} AND ends > ? UNION ALL ${ofRoom(ENTRY, order)}`
  }
  return {
    ofRoom: {
      after: database.prepare(`${ofRoom('message', 'after')} ORDER BY seq`),
      before: database.prepare(`${ofRoom('message', 'before')} ORDER BY seq DESC`),
    },
    ofUser: {
      after: database.prepare(`${ofUser('after')} ORDER BY seq`),
      before: database.prepare(`${ofUser('before')} ORDER BY seq DESC`),
    },
    ofEntries: aged(database, 'entry', '(expires = 0 OR expires > ?)'),
    ofItems: aged(database, 'item', 'ends > ?'),
  }
}

function pageOf(entries: Iterable<Entry>, limit: PageLimit) {
  const publications: Publication[] = []
  let bytes = 0
  for (const entry of entries) {
    bytes += entry.size
    if (publications.length > 0 && (publications.length >= limit.entries || bytes > limit.bytes))
      return { publications, complete: false }
    publications.push(...entry.publications)
  }
  return { publications, complete: true }
}

const positionOf = ({ seq, epoch }: Publication): StreamPosition => ({ seq, epoch })
