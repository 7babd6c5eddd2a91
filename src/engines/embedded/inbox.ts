import { randomUUIDv7 } from 'node:crypto'
import { removalDraft } from '../../core/drafts/server.ts'
import type { Published } from '../../core/engine/broker.ts'
import type {
  Acknowledgement,
  Delivery,
  Inbox,
  InboxPage,
  InboxQuery,
  Mark,
  Marked,
  Withdrawn,
} from '../../core/engine/inbox.ts'
import type { Channel } from '../../core/model/channel.ts'
import { encodeEnding, encodeItem, encodeOpening } from '../../core/model/encoding.ts'
import { type Counts, endOf, type Item, type ItemDraft, isAwaited } from '../../core/model/item.ts'
import { headOf } from '../../core/model/position.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { Ends } from './tables/inbox/ends.ts'
import type { InboxQueries } from './tables/inbox/inbox-queries.ts'
import { readLine, type StoredItem } from './tables/inbox/item-row.ts'
import type { Items } from './tables/inbox/items.ts'
import type { Log } from './tables/log.ts'
import type { Reader } from './tables/reader.ts'
import type { Row } from './tables/row.ts'
import type { Rows } from './tables/rows.ts'
import type { Transactions } from './tables/transactions.ts'
import type { Topics } from './topics.ts'

/** The result of a publish, and the messages to be announced, in this order: none if nobody listens. */
export interface Outcome {
  published: Published
  messages: readonly Buffer[]
}

/** The parts that the inbox works with. */
export interface InboxParts {
  transactions: Transactions
  rows: Rows
  log: Log
  items: Items
  queries: InboxQueries
  ends: Ends
  reader: Reader
  topics: Topics
}

/** The most inboxes whose ended notifications are removed in one go. */
const MAX_EXPIRED = 500

/** The notifications of users in tables: in the log and in the inbox, each once. */
export class EmbeddedInbox implements Inbox {
  readonly #parts: InboxParts
  #expiring: Promise<void> | undefined

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  /** Stores a draft as its item, within a transaction. Throws if it has words that could not be read again. */
  put(draft: Draft, wanted: ItemDraft, connections: number): Outcome {
    const { rows, items, topics } = this.#parts
    encodeEnding(draft)
    const row = rows.open(draft.channel)
    rows.touch(row)
    const messages: Buffer[] = []
    this.#expire(row, messages)
    const ends = endOf(wanted, draft.createdAt, rows.retentionOf(draft.channel).seconds)
    const plan = items.plan(row, draft, { ...wanted, expiresAt: ends.text }, connections)
    if (!('item' in plan)) {
      const { id, seq, version } = plan
      const upsert = { version, created: false, applied: false }
      return {
        published: { id, seq, epoch: headOf(row).epoch, connections, replayed: false, upsert },
        messages,
      }
    }
    const { item, replaced, alert } = plan
    if (replaced !== undefined) items.remove(row, [replaced.stored])
    const { seq, epoch } = rows.number(row, draft.createdAt)
    item.seq = seq
    const counts = items.put(row, plan, draft, ends.time, wanted)
    if (topics.hasHandler(draft.channel))
      messages.push(Buffer.from(encodeItem(draft, item, epoch, counts, alert, isAwaited(wanted))))
    const upsert = { version: item.version, created: replaced === undefined, applied: true }
    return { published: { id: item.id, seq, epoch, connections, replayed: false, upsert }, messages }
  }

  /** The counts of an inbox as they are now; `row` is undefined if nothing was ever stored in it. */
  counts(row: Row | undefined): Counts {
    return row === undefined ? { ...NOTHING } : this.#parts.items.counts(row)
  }

  mark(draft: Draft, mark: Mark): Promise<Marked> {
    return this.#write(draft.channel, (row, messages) => {
      const { items, queries } = this.#parts
      if (row === undefined) return { ...NOTHING, changed: false, withWebhook: [] }
      const { changed, asked } = queries.mark(row, mark)
      if (changed) this.#append(row, draft, messages)
      const withWebhook = asked.filter((one) => one.hasWebhook).map(({ id }) => id)
      return { ...items.counts(row), changed, withWebhook }
    })
  }

  withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined> {
    return this.#write(draft.channel, (row, messages) => {
      const { items } = this.#parts
      const found = row && items.find(row, idOrTag)
      if (row === undefined || found === undefined) return undefined
      items.remove(row, [found.stored])
      const [id, , , , , , hasWebhook] = readLine(found.stored.line)
      this.#append(row, removalDraft(draft, [id]), messages)
      return { id, hasWebhook: hasWebhook === 1 }
    })
  }

  list(channel: Channel, query: InboxQuery): Promise<InboxPage> {
    const { queries, reader } = this.#parts
    return this.#write(channel, (row) => {
      const found = row === undefined ? [] : queries.list(row, query)
      const complete = found.length <= query.limit
      const head = reader.headOf(channel, row)
      return { items: found.slice(0, query.limit), complete, ...this.counts(row), ...head }
    })
  }

  find(channel: Channel, idOrTag: string): Promise<Item | undefined> {
    return this.#write(channel, (row) => row && this.#parts.items.find(row, idOrTag)?.item)
  }

  acknowledge(channel: Channel, seq: number, at: string, above = 0): Promise<Delivery[]> {
    return this.#write(channel, (row) =>
      row === undefined ? [] : this.#parts.queries.acknowledge(row, Math.min(seq, row.seq), at, above),
    )
  }

  acknowledgeAll(acks: readonly Acknowledgement[], at: string): Promise<PromiseSettledResult<Delivery[]>[]> {
    return Promise.allSettled(
      acks.map(({ channel, seq, above }) => this.acknowledge(channel, seq, at, above)),
    )
  }

  /** Removes all notifications that have ended, and announces it; one call at a time. */
  expire(): Promise<void> {
    this.#expiring ??= this.#expireAll().finally(() => {
      this.#expiring = undefined
    })
    return this.#expiring
  }

  async #expireAll(): Promise<void> {
    const { transactions, ends } = this.#parts
    for (;;) {
      const due = await transactions.read(() => ends.due(Date.now(), MAX_EXPIRED))
      await Promise.all(due.map(({ channel }) => this.#write(channel, () => undefined)))
      if (due.length < MAX_EXPIRED) return
    }
  }

  /**
   * Works on an inbox after removing what has ended, and announces the messages after the commit. `row` is undefined if nothing was ever stored
   * in it.
   */
  #write<T>(channel: Channel, work: (row: Row | undefined, messages: Buffer[]) => T): Promise<T> {
    const { transactions, rows, topics } = this.#parts
    const messages: Buffer[] = []
    return transactions.write(
      () => {
        messages.length = 0
        const row = rows.find(channel)
        if (row !== undefined) {
          rows.touch(row)
          this.#expire(row, messages)
        }
        return work(row, messages)
      },
      () => {
        for (const message of messages) topics.publish(channel, message)
      },
    )
  }

  /** Appends an event of the server's own to the log, with the counts as they are now. */
  #append(row: Row, draft: Draft, messages: Buffer[]): void {
    const { unread, unseen } = this.#parts.items.counts(row)
    const { message } = this.#parts.log.append(
      draft,
      (seq, epoch) =>
        `${seq} ${epoch} ${encodeOpening(draft)},"seq":${seq},"epoch":"${epoch}","unread":${unread},"unseen":${unseen}}]`,
    )
    messages.push(message)
  }

  /** Removes what has ended in an inbox, and appends the event that reports it. */
  #expire(row: Row, messages: Buffer[]): void {
    const now = Date.now()
    const ended: StoredItem[] = this.#parts.ends.take(row, now)
    if (ended.length === 0) return
    this.#parts.items.remove(row, ended)
    const event = { channel: row.channel, id: randomUUIDv7(), createdAt: now }
    const ids = ended.map(({ line }) => readLine(line)[0])
    this.#append(row, removalDraft(event, ids), messages)
  }
}

/** The counts of an inbox in which nothing was ever stored. */
const NOTHING: Counts = { unread: 0, unseen: 0 }
