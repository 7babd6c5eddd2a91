import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LogPage, PageLimit } from '../../../core/engine/broker.ts'
import type { Channel } from '../../../core/model/channel.ts'
import { decodeOrSkip, itemPacket } from '../../../core/model/encoding.ts'
import {
  type Cursor,
  continueFrom,
  headOf,
  positionAt,
  type StreamPosition,
  unwrittenLog,
} from '../../../core/model/position.ts'
import type { Publication } from '../../../core/model/publication.ts'
import { bareItemOf, readLine } from './inbox/item-row.ts'
import { textOf } from './inbox/time-text.ts'
import type { Row } from './row.ts'
import type { Rows } from './rows.ts'
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
    const entries = row === undefined || after >= row.seq ? [] : this.#entries('after', row, [after, now])
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
    if (now < row.agesAt) return row.floor
    const maxAge = this.#rows.retentionOf(row.channel).seconds * 1000
    let floor = row.floor
    row.agesAt = Number.POSITIVE_INFINITY
    for (const list of [this.#statements.ofEntries, this.#statements.ofItems]) {
      const first = list.first.get(row.id, row.floor) as { created: number } | undefined
      if (first === undefined) continue
      row.agesAt = Math.min(row.agesAt, first.created + maxAge)
      if (first.created < now - maxAge) floor = Math.max(floor, lastAged(list, row, now - maxAge, now))
    }
    return floor
  }

  /** The entries of a log in the order of a statement. */
  *#entries(order: 'after' | 'before', row: Row, bounds: readonly number[]): Iterable<Entry> {
    const { ofUser, ofRoom } = this.#statements
    const found =
      row.items === 0
        ? ofRoom[order].iterate(row.id, ...bounds)
        : ofUser[order].iterate(row.id, ...bounds, row.id, ...bounds)
    for (const stored of found as Iterable<unknown> as Iterable<StoredEntry>) {
      const [message] = stored
      if (message === null) yield entryOf(row, stored)
      else {
        const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
        yield { size: bytes.length, publications: decodeOrSkip(row.channel, bytes) }
      }
    }
  }
}

/** `size`: in bytes. `publications`: none if the entry cannot be read. */
interface Entry {
  size: number
  publications: Publication[]
}

/** An entry in its wire form, or the columns of a notification. */
type StoredEntry = [
  message: Uint8Array | null,
  ...item: [
    seq: number,
    created: number,
    updated: number,
    ends: number,
    tag: string | null,
    line: string,
    content: string,
  ],
]

/** A notification as it was published. */
function entryOf(row: Row, [, seq, createdAt, updated, ends, tag, text, content]: StoredEntry): Entry {
  try {
    const line = readLine(text)
    const [event, expiresAt, except, alert, unread, unseen, seen, read, archived] = line[9]
    const item = bareItemOf({ seq, updated, ends, tag, content }, line)
    item.seenAt = timeOf(seen)
    item.readAt = timeOf(read)
    item.archivedAt = timeOf(archived)
    const { id } = item
    const { epoch } = positionAt(row, seq)
    const packet = Buffer.from(itemPacket(item, epoch, { unread, unseen }, alert === 1))
    const { channel } = row
    const isAwaited = line[5] !== null || line[6] === 1
    const publication = { channel, seq, epoch, event, id, createdAt, expiresAt, except, isAwaited, packet }
    return { size: packet.length, publications: [publication] }
  } catch {
    // Who has put something else there holds up nothing behind it.
    return { size: text.length, publications: [] }
  }
}

const timeOf = (time: number | null): string | undefined => (time === null ? undefined : textOf(time))

type Aged = ReturnType<typeof prepare>['ofItems']

/** The highest seq above the floor among those that are older than `oldest` and before all that are not; 0 for none. */
function lastAged({ firstSince, lastBelow }: Aged, row: Row, oldest: number, now: number): number {
  const young = firstSince.get(row.id, row.floor, oldest) as { seq: number } | undefined
  const last = lastBelow.get(row.id, row.floor, young?.seq ?? row.seq + 1, now) as { seq: number } | undefined
  return last?.seq ?? 0
}

const ITEM = 'NULL AS message, seq, created, updated, ends, tag, line, content'
const ENTRY = 'message, seq, 0, 0, 0, NULL, NULL, NULL'

/** A statement whose rows are arrays, which is faster than objects. */
function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  return statement
}

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
      after: arrays(database, `${ofRoom('message', 'after')} ORDER BY seq`),
      before: arrays(database, `${ofRoom('message', 'before')} ORDER BY seq DESC`),
    },
    ofUser: {
      after: arrays(database, `${ofUser('after')} ORDER BY seq`),
      before: arrays(database, `${ofUser('before')} ORDER BY seq DESC`),
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
