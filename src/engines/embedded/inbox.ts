import { randomUUIDv7 } from 'node:crypto'
import type { Channel } from '../../core/channel.ts'
import type { Delivery, Inbox, InboxPage, InboxQuery, Mark, Marked, Withdrawn } from '../../core/inbox.ts'
import type { Counts, Item, ItemDraft } from '../../core/item.ts'
import { headOf } from '../../core/position.ts'
import { type Draft, encodeItem, encodeOpening, removalDraft } from '../../core/publication.ts'
import type { Bell } from './bell.ts'
import type { Items, Touched } from './items.ts'
import type { Log, Row } from './log.ts'
import type { Outcome } from './outcome.ts'
import type { Transactions } from './transactions.ts'

/** What the inbox works with. */
export interface InboxParts {
  transactions: Transactions
  log: Log
  items: Items
  bell: Bell
}

/** How many notifications that have ended are taken out in one go. */
const MAX_EXPIRED = 500

/** The notifications of users in tables, beside the log. */
export class EmbeddedInbox implements Inbox {
  readonly #parts: InboxParts

  constructor(parts: InboxParts) {
    this.#parts = parts
  }

  /** Stores a draft in its place, within a transaction. */
  put(draft: Draft, wanted: ItemDraft, connections: number): Outcome {
    const { log, items } = this.#parts
    const row = log.open(draft.channel)
    log.touch(row)
    const placement = items.place(row, draft, wanted, connections)
    if (!('item' in placement)) {
      const { id, seq, version } = placement
      const place = { version, created: false, applied: false }
      return { published: { id, seq, epoch: headOf(row).epoch, connections, replayed: false, place } }
    }
    const { item, replaced, alert } = placement
    if (replaced !== undefined) log.remove(row, replaced.seq)
    const { seq, epoch, message } = log.append(draft, (seq, epoch) => {
      item.seq = seq
      items.put(row, item, replaced, draft.expiresAt, wanted)
      return encodeItem(draft, item, epoch, items.counts(row), alert)
    })
    const place = { version: item.version, created: replaced === undefined, applied: true }
    return { published: { id: item.id, seq, epoch, connections, replayed: false, place }, message }
  }

  /** The counts as the log of the user has told them. */
  counts(row: Row): Counts {
    return this.#parts.items.counts(row)
  }

  mark(draft: Draft, mark: Mark): Promise<Marked> {
    return this.#write(draft.channel, (row, tell) => {
      const marked = this.#parts.items.mark(row, mark)
      const changed = marked.length > 0
      if (changed) tell(draft)
      const watched = marked.filter((one) => one.watched).map(({ id }) => id)
      return { ...this.#parts.items.counts(row), changed, watched }
    })
  }

  withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined> {
    return this.#write(draft.channel, (row, tell) => {
      const item = this.#parts.items.find(row, idOrTag)
      if (item === undefined) return undefined
      const withdrawn = this.#remove(row, item)
      tell(removalDraft(draft, [item.id]))
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

  /** Takes out what has ended, and tells of it. */
  async expire(): Promise<void> {
    const { transactions, items } = this.#parts
    const ended = await transactions.read(() => items.ended(Date.now(), MAX_EXPIRED))
    await Promise.all(
      [...new Set(ended.map(({ channel }) => channel))].map((channel) =>
        this.#write(channel, () => undefined),
      ),
    )
  }

  /** Works on an inbox without what has ended in it, and carries what is told of it after the commit. */
  #write<T>(channel: Channel, work: (row: Row, tell: (draft: Draft) => void) => T): Promise<T> {
    const { transactions, log, items, bell } = this.#parts
    const messages: Buffer[] = []
    return transactions.write(
      () => {
        messages.length = 0
        const row = log.open(channel)
        log.touch(row)
        const tell = (draft: Draft): void => {
          const { unread, unseen } = items.counts(row)
          const { message } = log.append(
            draft,
            (seq, epoch) =>
              `${seq} ${epoch} ${encodeOpening(draft)},"seq":${seq},"epoch":"${epoch}","unread":${unread},"unseen":${unseen}}]`,
          )
          messages.push(message)
        }
        this.#expire(row, tell)
        return work(row, tell)
      },
      () => {
        for (const message of messages) bell.ring(channel, message)
      },
    )
  }

  #expire(row: Row, tell: (draft: Draft) => void): void {
    const { log, items } = this.#parts
    const now = Date.now()
    items.removeOld(row, new Date(now - log.retentionOf(row.channel).seconds * 1000).toISOString())
    const ended = items.endedOf(row, now)
    for (const item of ended) this.#remove(row, item)
    if (ended.length === 0) return
    const event = { channel: row.channel, id: randomUUIDv7(), createdAt: now }
    tell(
      removalDraft(
        event,
        ended.map(({ id }) => id),
      ),
    )
  }

  #remove(row: Row, item: Item): Touched {
    this.#parts.log.remove(row, item.seq)
    return this.#parts.items.remove(row, item)
  }
}
