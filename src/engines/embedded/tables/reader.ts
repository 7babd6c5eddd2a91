import type { DatabaseSync } from 'node:sqlite'
import type { LogPage, PageLimit } from '../../../core/engine/broker.ts'
import { decodeOrSkip } from '../../../core/model/encoding.ts'
import { type Cursor, continueFrom, headOf, type StreamPosition } from '../../../core/model/position.ts'
import type { Publication } from '../../../core/model/publication.ts'
import type { Log, Row } from './log.ts'

/** Reads entries, without those that are too old or have expired but are not deleted yet. */
export class Reader {
  readonly #statements: ReturnType<typeof prepare>
  readonly #log: Log

  constructor(database: DatabaseSync, log: Log) {
    this.#statements = prepare(database)
    this.#log = log
  }

  /** Reads as in `Broker.since`. */
  since(row: Row, cursor: Cursor, limit: PageLimit): LogPage {
    const now = Date.now()
    const log = { ...row, floor: this.floorOf(row, now) }
    const { after, gap } = continueFrom(log, cursor, { identity: '', keptFor: 0 })
    const entries = this.#statements.after.iterate(row.id, after, now)
    const { publications, complete } = pageOf(row, entries as Iterable<Entry>, limit)
    const head = headOf(log)
    const end = complete ? head : positionOf(publications.at(-1)!)
    return { ...(gap === undefined ? {} : { gap }), publications, head, complete, end }
  }

  /** Reads as in `Broker.latest`. */
  latest(row: Row, before: number | undefined, limit: PageLimit): LogPage {
    const now = Date.now()
    const floor = this.floorOf(row, now)
    const entries = this.#statements.before.iterate(row.id, before ?? row.seq + 1, floor, now)
    const { publications, complete } = pageOf(row, entries as Iterable<Entry>, limit)
    const head = headOf(row)
    const end = publications.length === 0 ? head : positionOf(publications.at(-1)!)
    return { publications: publications.reverse(), head, complete, end }
  }

  /** The floor of a log as its readers see it: entries that are too old by `now` (milliseconds since the epoch) may still be in the table. */
  floorOf(row: Row, now: number): number {
    const oldest = now - this.#log.retentionOf(row.channel).seconds * 1000
    const first = this.#statements.first.get(row.id) as { created: number } | undefined
    if (first === undefined || first.created >= oldest) return row.floor
    const young = this.#statements.firstSince.get(row.id, oldest) as { seq: number } | undefined
    const end = young?.seq ?? row.seq + 1
    return (this.#statements.lastBelow.get(row.id, end) as { seq: number }).seq
  }
}

interface Entry {
  message: Uint8Array
}

const prepare = (database: DatabaseSync) => ({
  after: database.prepare(`
    SELECT message FROM entry
    WHERE channel = ? AND seq > ? AND (expires = 0 OR expires > ?) ORDER BY seq`),
  before: database.prepare(`
    SELECT message FROM entry
    WHERE channel = ? AND seq < ? AND seq > ? AND (expires = 0 OR expires > ?) ORDER BY seq DESC`),
  first: database.prepare('SELECT created FROM entry WHERE channel = ? ORDER BY seq LIMIT 1'),
  firstSince: database.prepare(
    'SELECT seq FROM entry WHERE channel = ? AND created >= ? ORDER BY seq LIMIT 1',
  ),
  lastBelow: database.prepare(
    'SELECT seq FROM entry WHERE channel = ? AND seq < ? ORDER BY seq DESC LIMIT 1',
  ),
})

function pageOf({ channel }: Row, entries: Iterable<Entry>, limit: PageLimit) {
  const publications: Publication[] = []
  let bytes = 0
  for (const { message } of entries) {
    bytes += message.length
    if (publications.length > 0 && (publications.length >= limit.entries || bytes > limit.bytes))
      return { publications, complete: false }
    publications.push(
      ...decodeOrSkip(channel, Buffer.from(message.buffer, message.byteOffset, message.byteLength)),
    )
  }
  return { publications, complete: true }
}

const positionOf = ({ seq, epoch }: Publication): StreamPosition => ({ seq, epoch })
