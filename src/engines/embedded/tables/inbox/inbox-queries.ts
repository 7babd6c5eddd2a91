import type { DatabaseSync } from 'node:sqlite'
import type { InboxQuery, Mark, Status } from '../../../../core/engine/inbox.ts'
import type { Counts, Item } from '../../../../core/model/item.ts'
import type { Row } from '../row.ts'
import { FLAGS, NOT_UNREAD, NOT_UNSEEN } from './block.ts'
import { hashOfId, KEY } from './item-key.ts'
import { COLUMNS, itemOf, type Line, readLine, type StoredItem } from './item-row.ts'
import type { Items } from './items.ts'
import { FILTERS, filtersOf, fitsStatus, fitsTag, fitsWords } from './query-filters.ts'
import type { InboxStates, States } from './states.ts'

/** A notification that was changed or acknowledged, and that somebody asked to hear of. */
export interface Asked {
  id: string
  waiter: string | undefined
  /** True if its backend asked for a webhook. */
  hasWebhook: boolean
}

/** How many seqs a list looks at in its first step: as a rule more than enough for a page. */
const FIRST_STEP = 128

/** Marks, acknowledgements and lists of many notifications at once. None of them reads a notification that it does not return. */
export class InboxQueries {
  readonly #statements: ReturnType<typeof prepare>
  readonly #states: States
  readonly #items: Items

  constructor(database: DatabaseSync, states: States, items: Items) {
    this.#statements = prepare(database)
    this.#states = states
    this.#items = items
  }

  /** Gives or takes a state; returns whether anything changed, and the notifications of those that somebody asked to hear of. */
  mark(row: Row, { ids, before, state, value, at }: Mark): { changed: boolean; asked: Asked[] } {
    const view = this.#states.of(row)
    const time = value ? Date.parse(at) : undefined
    const seqs = ids === undefined ? this.#seqsBefore(row, before) : this.#seqsOf(row, ids)
    if (seqs.length === 0) return { changed: false, asked: [] }
    if (ids === undefined) view.all()
    const counts = this.#states.counts(row)
    const changed = seqs.filter((seq) => {
      const flags = view.flags(seq)
      if (((flags & FLAGS[state]) !== 0) === value) return false
      view.set(seq, state, time)
      recount(counts, flags, flags ^ FLAGS[state])
      return true
    })
    view.save()
    return { changed: changed.length > 0, asked: this.#askedOf(row, changed) }
  }

  /**
   * Notes that a tab has acknowledged everything above the seq `above` up to `seq`; returns those of what no tab had acknowledged before that
   * somebody asked to hear of.
   */
  acknowledge(row: Row, seq: number, at: string, above: number): Asked[] {
    const from = above <= row.acknowledged ? Math.max(above, row.acknowledged) : above
    if (row.items === 0 || seq <= from) return []
    const view = this.#states.of(row)
    const time = Date.parse(at)
    const delivered = this.#seqsIn(row, from, seq).filter((one) => {
      if ((view.flags(one) & FLAGS.delivered) !== 0) return false
      view.set(one, 'delivered', time)
      return true
    })
    view.save()
    if (from <= row.acknowledged) row.acknowledged = seq
    return this.#askedOf(row, delivered)
  }

  /** Lists as many notifications as the query asks for, and one more if there is one. */
  list(row: Row, query: InboxQuery): Item[] {
    const { status, tag, limit } = query
    if (row.items === 0 || this.#hasNone(row, status)) return []
    const view = this.#states.of(row)
    const fits = (stored: StoredItem, line: Line): boolean => fitsWords(query, line) && fitsTag(query, stored)
    const before = query.before ?? Number.MAX_SAFE_INTEGER
    if (tag !== undefined) {
      const stored = this.#items.findTagged(row, tag)
      const there = stored !== undefined && stored.seq < before && fitsStatus(status, view.flags(stored.seq))
      return there && fits(stored, readLine(stored.line)) ? [itemOf(stored, view)] : []
    }
    return [...pageOf(this.#candidates(row, query, before, view), view, fits, limit + 1)]
  }

  /** True if the counts say that nothing has a status. */
  #hasNone(row: Row, status: Status | undefined): boolean {
    return (status === 'unread' || status === 'unseen') && this.#states.counts(row)[status] === 0
  }

  /** The rows below a seq that may fit a query, newest first. */
  *#candidates(row: Row, query: InboxQuery, below: number, view: InboxStates): Iterable<StoredItem> {
    const { status } = query
    const words = filtersOf(query)
    if (status === undefined) {
      yield* this.#statements.page.iterate(
        row.id,
        below,
        ...words,
      ) as Iterable<unknown> as Iterable<StoredItem>
      return
    }
    for (let before = below, step = FIRST_STEP; ; step *= 8) {
      const seqs = this.#statements.seqsBelow.get(row.id, before, ...words, step) as { seqs: string }
      const these = JSON.parse(seqs.seqs) as number[]
      if (step > FIRST_STEP) view.all()
      for (const seq of these)
        if (fitsStatus(status, view.flags(seq)))
          yield this.#statements.at.get(row.id, seq) as unknown as StoredItem
      if (these.length < step) return
      before = these.at(-1)!
    }
  }

  /** The seqs of the notifications above one seq up to another. */
  #seqsIn(row: Row, above: number, upTo: number): number[] {
    if (upTo - above > FIRST_STEP) {
      const { first, last } = this.#statements.bounds.get(row.id) as { first: number; last: number }
      // Most inboxes have no holes, and then there is no need to ask for each.
      if (row.items === last - first + 1) return range(Math.max(first, above + 1), Math.min(last, upTo))
    }
    return JSON.parse((this.#statements.seqsIn.get(row.id, above, upTo) as { seqs: string }).seqs)
  }

  /** The seqs of the notifications that were not updated after a time. */
  #seqsBefore(row: Row, before: string | undefined): number[] {
    if (row.items === 0) return []
    return this.#seqsIn(row, 0, before === undefined ? row.seq : this.#lastUpdatedBy(row, Date.parse(before)))
  }

  /** The highest seq up to which no notification was updated after a time. `updatedAt` never falls, so that can be bisected. */
  #lastUpdatedBy(row: Row, time: number): number {
    let [low, high] = [0, row.seq]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const next = this.#statements.updatedFrom.get(row.id, middle, high) as
        | { seq: number; updated: number }
        | undefined
      if (next === undefined) high = middle - 1
      else if (next.updated <= time) low = next.seq
      else high = middle - 1
    }
    return low
  }

  #seqsOf(row: Row, ids: readonly string[]): number[] {
    const wanted = new Set(ids)
    const hashes = JSON.stringify([...wanted].map(hashOfId))
    const found = this.#statements.linesOf.all(row.id, hashes) as unknown as StoredLine[]
    return found.filter(({ line }) => wanted.has(readLine(line)[0])).map(({ seq }) => seq)
  }

  /** Those of some notifications that somebody asked to hear of. */
  #askedOf(row: Row, seqs: readonly number[]): Asked[] {
    if (row.asked === 0 || seqs.length === 0) return []
    const these = new Set(seqs)
    const asked = this.#statements.asked.all(row.id, seqs[0]!, seqs.at(-1)!) as unknown as StoredLine[]
    return asked
      .filter(({ seq }) => these.has(seq))
      .map(({ line }) => {
        const [id, , , , , waiter, hasWebhook] = readLine(line)
        return { id, waiter: waiter ?? undefined, hasWebhook: hasWebhook === 1 }
      })
  }
}

/** The numbers from one to another, both included. */
const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)

interface StoredLine {
  seq: number
  line: string
}

function* pageOf(
  candidates: Iterable<StoredItem>,
  view: InboxStates,
  fits: (stored: StoredItem, line: Line) => boolean,
  limit: number,
): Iterable<Item> {
  let count = 0
  for (const stored of candidates) {
    const line = readLine(stored.line)
    if (!fits(stored, line)) continue
    yield itemOf(stored, view, line)
    if (++count === limit) return
  }
}

/** Corrects the counts for a notification whose flags have changed. */
function recount(counts: Counts, before: number, after: number): void {
  counts.unread += Number((after & NOT_UNREAD) === 0) - Number((before & NOT_UNREAD) === 0)
  counts.unseen += Number((after & NOT_UNSEEN) === 0) - Number((before & NOT_UNSEEN) === 0)
}

const prepare = (database: DatabaseSync) => ({
  at: database.prepare(`SELECT ${COLUMNS} FROM item WHERE channel = ? AND seq = ?`),
  page: database.prepare(
    `SELECT ${COLUMNS} FROM item WHERE channel = ? AND seq < ? AND ${FILTERS} ORDER BY seq DESC`,
  ),
  seqsBelow: database.prepare(`
    SELECT json_group_array(seq) AS seqs FROM
      (SELECT seq FROM item WHERE channel = ? AND seq < ? AND ${FILTERS} ORDER BY seq DESC LIMIT ?)`),
  bounds: database.prepare(`
    SELECT (SELECT min(seq) FROM item WHERE channel = ?1) AS first, (SELECT max(seq) FROM item WHERE channel = ?1) AS last`),
  seqsIn: database.prepare(`
    SELECT json_group_array(seq) AS seqs FROM
      (SELECT seq FROM item WHERE channel = ? AND seq > ? AND seq <= ? ORDER BY seq)`),
  updatedFrom: database.prepare(
    'SELECT seq, updated FROM item WHERE channel = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT 1',
  ),
  linesOf: database.prepare(`
    SELECT seq, line FROM item WHERE channel = ? AND ${KEY.id} IN (SELECT value FROM json_each(?)) ORDER BY seq`),
  asked: database.prepare(
    `SELECT seq, line FROM item WHERE channel = ? AND seq BETWEEN ? AND ? AND ${KEY.isAsked} ORDER BY seq`,
  ),
})
