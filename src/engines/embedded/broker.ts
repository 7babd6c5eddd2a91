import type { Broker, LogPage, PageLimit, PublicationHandler, Published } from '../../core/engine/broker.ts'
import { type Channel, isUserChannel } from '../../core/model/channel.ts'
import { encode, encodeUnstored } from '../../core/model/encoding.ts'
import type { Cursor } from '../../core/model/position.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { EmbeddedInbox, Outcome } from './inbox.ts'
import type { Idempotency } from './tables/idempotency.ts'
import type { Log } from './tables/log.ts'
import type { Reader } from './tables/reader.ts'
import type { Row } from './tables/row.ts'
import type { Rows } from './tables/rows.ts'
import type { Seen } from './tables/seen.ts'
import type { Transactions } from './tables/transactions.ts'
import type { Topics } from './topics.ts'

/** The parts that the broker works with. */
export interface BrokerParts {
  transactions: Transactions
  rows: Rows
  log: Log
  reader: Reader
  idempotency: Idempotency
  inbox: Pick<EmbeddedInbox, 'put' | 'counts'>
  topics: Topics
  seen: Pick<Seen, 'connectionsOf'>
}

/** The log in tables, and its topics in this process: a grouped transaction stores, and after its commit the handlers are called. */
export class EmbeddedBroker implements Broker {
  readonly #parts: BrokerParts

  constructor(parts: BrokerParts) {
    this.#parts = parts
  }

  async publish(draft: Draft): Promise<Published> {
    const { transactions, topics } = this.#parts
    const { published } = await transactions.write(
      () => this.#store(draft),
      ({ messages }) => {
        for (const message of messages) topics.publish(draft.channel, message)
      },
    )
    return published
  }

  publishAll(drafts: readonly Draft[]): Promise<PromiseSettledResult<Published>[]> {
    return Promise.allSettled(drafts.map((draft) => this.publish(draft)))
  }

  async subscribe(channel: Channel, handler: PublicationHandler): Promise<void> {
    this.#parts.transactions.assertOpen()
    this.#parts.topics.add(channel, handler)
  }

  unsubscribe(channel: Channel, handler: PublicationHandler): void {
    this.#parts.topics.remove(channel, handler)
  }

  since(channel: Channel, cursor: Cursor, limit: PageLimit): Promise<LogPage> {
    const { reader, inbox } = this.#parts
    return this.#read(channel, (row) => {
      const page = reader.since(channel, row, cursor, limit)
      return isUserChannel(channel) ? { ...page, counts: inbox.counts(row) } : page
    })
  }

  latest(channel: Channel, before: number | undefined, limit: PageLimit): Promise<LogPage> {
    return this.#read(channel, (row) => this.#parts.reader.latest(channel, row, before, limit))
  }

  /** Does nothing: within a process, no topic can be cut off. */
  onRestored(): void {}

  #read(channel: Channel, read: (row: Row | undefined) => LogPage): Promise<LogPage> {
    const { transactions, rows } = this.#parts
    return transactions.read(() => {
      const row = rows.find(channel)
      if (row !== undefined) row.used = Date.now()
      return read(row)
    })
  }

  #store(draft: Draft): Outcome {
    const { idempotency, seen } = this.#parts
    const now = Date.now()
    const connections = seen.connectionsOf(draft.channel)
    const known = idempotency.recall(draft, now)
    if (known !== undefined) return { published: { ...known, connections, replayed: true }, messages: [] }
    const outcome = this.#put(draft, connections)
    idempotency.remember(draft, outcome.published, now)
    return outcome
  }

  #put(draft: Draft, connections: number): Outcome {
    const { log, inbox } = this.#parts
    if (draft.item !== undefined) return inbox.put(draft, draft.item, connections)
    const { seq, epoch, message } = draft.stored
      ? log.append(draft, (seq, epoch) => encode(draft, seq, epoch))
      : { seq: 0, epoch: '', message: Buffer.from(encodeUnstored(draft)) }
    return { published: { id: draft.id, seq, epoch, connections, replayed: false }, messages: [message] }
  }
}
