import type { Broker, LogPage, PageLimit, PublicationHandler, Published } from '../../core/engine/broker.ts'
import { type Channel, isUserChannel } from '../../core/model/channel.ts'
import { encode, encodeUnstored } from '../../core/model/encoding.ts'
import type { Cursor } from '../../core/model/position.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { EmbeddedInbox, Outcome } from './inbox.ts'
import type { Idempotency } from './tables/idempotency.ts'
import type { Log, Row } from './tables/log.ts'
import type { Reader } from './tables/reader.ts'
import type { Transactions } from './tables/transactions.ts'
import type { Topics } from './topics.ts'

/** The parts that the broker works with. */
export interface BrokerParts {
  transactions: Transactions
  log: Log
  reader: Reader
  idempotency: Idempotency
  inbox: Pick<EmbeddedInbox, 'put' | 'counts'>
  topics: Topics
  /** The number of connections that a channel has now. */
  connectionsOf(channel: Channel): number
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
      const page = reader.since(row, cursor, limit)
      return isUserChannel(channel) ? { ...page, counts: inbox.counts(row) } : page
    })
  }

  latest(channel: Channel, before: number | undefined, limit: PageLimit): Promise<LogPage> {
    return this.#read(channel, (row) => this.#parts.reader.latest(row, before, limit))
  }

  /** Does nothing: within a process, no topic can be cut off. */
  onRestored(): void {}

  /** Reads a log, which is founded if it does not exist yet. */
  async #read(channel: Channel, read: (row: Row) => LogPage): Promise<LogPage> {
    const { transactions, log } = this.#parts
    const page = await transactions.read(() => {
      const known = log.find(channel)
      if (known === undefined) return undefined
      known.used = Date.now()
      return read(known)
    })
    return page ?? transactions.write(() => read(log.open(channel)))
  }

  #store(draft: Draft): Outcome {
    const { idempotency, connectionsOf } = this.#parts
    const now = Date.now()
    const connections = connectionsOf(draft.channel)
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
