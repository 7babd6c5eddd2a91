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
import { encodeItem, encodeOpening } from '../../core/model/encoding.ts'
import { type Counts, endOf, type Item, type ItemDraft, isAwaited } from '../../core/model/item.ts'
import { headOf } from '../../core/model/position.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { Touched } from './tables/item-rows.ts'
import type { Items } from './tables/items.ts'
import type { Log, Row } from './tables/log.ts'
import type { Transactions } from './tables/transactions.ts'
import type { Topics } from './topics.ts'

/** The result of a publish, and the messages to be announced, in this order. */
export interface Outcome {
  published: Published
  messages: readonly Buffer[]
}

/** The parts that the inbox works with. */
export interface InboxParts {
  transactions: Transactions
  log: Log
  items: Items
  topics: Topics
}

/** The most inboxes whose ended notifications are removed in one go. */
const MAX_EXPIRED = 500

/** The notifications of users in tables, beside the log. */
export class EmbeddedInbox implements Inbox {
  readonly #parts: InboxParts
  #expiring: Promise<void> | undefined

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  /** Stores a draft as its item, within a transaction. */
  put(draft: Draft, wanted: ItemDraft, connections: number): Outcome {
    const { log, items } = this.#parts
    const row = log.open(draft.channel)
    log.touch(row)
    const messages: Buffer[] = []
    this.#expire(row, messages)
    const ends = endOf(wanted, draft.createdAt, log.retentionOf(draft.channel).seconds)
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
    if (replaced !== undefined) log.remove(row, replaced.seq)
    const { seq, epoch, message } = log.append(draft, (seq, epoch) => {
      item.seq = seq
      items.put(row, item, replaced, ends.time, wanted)
      return encodeItem(draft, item, epoch, items.counts(row), alert, isAwaited(wanted))
    })
    messages.push(message)
    const upsert = { version: item.version, created: replaced === undefined, applied: true }
    return { published: { id: item.id, seq, epoch, connections, replayed: false, upsert }, messages }
  }

  /** The counts of an inbox as they are now. */
  counts(row: Row): Counts {
    return this.#parts.items.counts(row)
  }

  mark(draft: Draft, mark: Mark): Promise<Marked> {
    return this.#write(draft.channel, (row, messages) => {
      const marked = this.#parts.items.mark(row, mark)
      const changed = marked.length > 0
      if (changed) this.#append(row, draft, messages)
      const withWebhook = marked.filter((one) => one.hasWebhook).map(({ id }) => id)
      return { ...this.#parts.items.counts(row), changed, withWebhook }
    })
  }

  withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined> {
    return this.#write(draft.channel, (row, messages) => {
      const item = this.#parts.items.find(row, idOrTag)
      if (item === undefined) return undefined
      const withdrawn = this.#remove(row, item)
      this.#append(row, removalDraft(draft, [item.id]), messages)
      return withdrawn
    })
  }

  list(channel: Channel, query: InboxQuery): Promise<InboxPage> {
    const { items } = this.#parts
    return this.#write(channel, (row) => {
      const found = items.list(row, query)
      const complete = found.length <= query.limit
      return { items: found.slice(0, query.limit), complete, ...items.counts(row), ...headOf(row) }
    })
  }

  find(channel: Channel, idOrTag: string): Promise<Item | undefined> {
    return this.#write(channel, (row) => this.#parts.items.find(row, idOrTag))
  }

  acknowledge(channel: Channel, seq: number, at: string, above = 0): Promise<Delivery[]> {
    return this.#write(channel, (row) =>
      this.#parts.items.acknowledge(row, Math.min(seq, row.seq), at, above),
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
    const { transactions, items } = this.#parts
    for (;;) {
      const ended = await transactions.read(() => items.ended(Date.now(), MAX_EXPIRED))
      await Promise.all(ended.map(({ channel }) => this.#write(channel, () => undefined)))
      if (ended.length < MAX_EXPIRED) return
    }
  }

  /** Works on an inbox after removing what has ended, and announces the messages after the commit. */
  #write<T>(channel: Channel, work: (row: Row, messages: Buffer[]) => T): Promise<T> {
    const { transactions, log, topics } = this.#parts
    const messages: Buffer[] = []
    return transactions.write(
      () => {
        messages.length = 0
        const row = log.open(channel)
        log.touch(row)
        this.#expire(row, messages)
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
    const ended = this.#parts.items.takeEnded(row, now)
    if (ended.length === 0) return
    for (const item of ended) this.#remove(row, item)
    const event = { channel: row.channel, id: randomUUIDv7(), createdAt: now }
    const ids = ended.map(({ id }) => id)
    this.#append(row, removalDraft(event, ids), messages)
  }

  #remove(row: Row, item: Item): Touched {
    this.#parts.log.remove(row, item.seq)
    return this.#parts.items.remove(row, item)
  }
}
