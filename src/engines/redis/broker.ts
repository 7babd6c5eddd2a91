import type { Channel } from '../../core/channel.ts'
import type {
  Broker,
  EngineOptions,
  LogPage,
  PageLimit,
  PublicationHandler,
  Published,
} from '../../core/engine.ts'
import { ServiceError } from '../../core/errors.ts'
import type { ItemDraft } from '../../core/item.ts'
import type { Cursor } from '../../core/position.ts'
import { type Draft, decode, type Publication } from '../../core/publication.ts'
import type { RedisConnection } from './connection.ts'
import { withDeadline } from './deadline.ts'
import type { Keys } from './keys.ts'
import type { LogReader } from './log-reader.ts'
import { Replicas } from './replicas.ts'
import type { Store, Stored } from './store.ts'
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'

/** How long `subscribe` waits for a subscribing connection, in milliseconds. */
const SUBSCRIBE_PATIENCE = 1800

/** How many notifications are stored by one call: some milliseconds in which the server does nothing else. */
const MAX_GROUP = 100

/** Sums what `HGETALL` of a channel's connections answered, without those of dead processes. */
export type ConnectionSum = (channel: Channel, flat: readonly (Buffer | string)[]) => number

/** The log and its bell on Redis: a stream per channel, one script per verb, Pub/Sub as the bell. */
export class RedisBroker implements Broker {
  readonly #connection: RedisConnection
  readonly #keys: Keys
  readonly #store: Store
  readonly #log: LogReader
  readonly #report: EngineOptions['report']
  readonly #sum: ConnectionSum
  readonly #subscriptions: Subscriptions
  readonly #replicas: Replicas | undefined
  /** Who hears a channel, and whether the subscription that was made for them is there yet. */
  readonly #handlers = new Map<Channel, Map<PublicationHandler, boolean>>()
  readonly #restored: (() => void)[] = []

  constructor(
    connection: RedisConnection,
    keys: Keys,
    store: Store,
    log: LogReader,
    options: EngineOptions & { replicas: number },
    sum: ConnectionSum,
  ) {
    this.#connection = connection
    this.#keys = keys
    this.#store = store
    this.#log = log
    this.#report = options.report
    this.#sum = sum
    this.#replicas = options.replicas > 0 ? new Replicas(connection, options.replicas) : undefined
    this.#subscriptions = createSubscriptions(
      connection,
      (bell, message) => this.#receive(bell, message),
      () => this.restored(),
    )
  }

  async publish(draft: Draft): Promise<Published> {
    const started = performance.now()
    let life = ''
    const stored = await this.#connection.run(() => {
      life = this.#connection.life
      return this.#store.put(draft, life)
    })
    return this.#settle(draft, stored, life, started)
  }

  async publishAll(drafts: readonly Draft[]): Promise<PromiseSettledResult<Published>[]> {
    const item = drafts[0]?.item
    // The keys of several channels are on several servers of a Cluster; and what is not in an inbox has a script of its own.
    if (item === undefined || this.#connection.isCluster)
      return Promise.allSettled(drafts.map((draft) => this.publish(draft)))
    const groups: Promise<PromiseSettledResult<Published>[]>[] = []
    for (let start = 0; start < drafts.length; start += MAX_GROUP)
      groups.push(this.#publishGroup(drafts.slice(start, start + MAX_GROUP), item))
    return (await Promise.all(groups)).flat()
  }

  async #publishGroup(drafts: readonly Draft[], item: ItemDraft): Promise<PromiseSettledResult<Published>[]> {
    const started = performance.now()
    let life = ''
    try {
      const stored = await this.#connection.run(() => {
        life = this.#connection.life
        return this.#store.putAll(drafts, item, life)
      })
      return await Promise.allSettled(
        drafts.map((draft, index) => this.#settle(draft, stored[index]!, life, started)),
      )
    } catch (reason) {
      return drafts.map(() => ({ status: 'rejected', reason }))
    }
  }

  /** What a stored draft answers, once as many replicas have it as are wanted. */
  async #settle(draft: Draft, stored: Stored, life: string, started: number): Promise<Published> {
    const { status, id, seq, epoch, place } = stored
    if (status === 'conflict')
      throw new ServiceError(
        'idempotency_conflict',
        'this Idempotency-Key was used with another body in the last 24 hours',
      )
    if (draft.stored && this.#replicas !== undefined) {
      // The run of the server that has just answered: on a Cluster a new entry's epoch names it, of an old entry it says so itself.
      const server = stored.life || life || epoch.slice(epoch.indexOf('.') + 1)
      await this.#replicas.have(this.#keys.waited(draft.channel), server.slice(0, 8), started)
    }
    return {
      id,
      seq,
      epoch,
      connections: this.#sum(draft.channel, stored.connections),
      replayed: status === 'replayed',
      ...(place === undefined ? {} : { place }),
    }
  }

  async subscribe(channel: Channel, handler: PublicationHandler): Promise<void> {
    this.#connection.refuseIfClosed()
    const handlers = this.#handlers.get(channel) ?? new Map<PublicationHandler, boolean>()
    this.#handlers.set(channel, handlers.set(handler, false))
    try {
      await withDeadline(
        this.#subscriptions.subscribe(this.#keys.bell(channel)),
        SUBSCRIBE_PATIENCE,
        () => new ServiceError('engine_unavailable', 'Redis could not be subscribed to in time'),
      )
    } catch (error) {
      this.unsubscribe(channel, handler)
      throw error
    }
    // What came in until now was for a subscription from before.
    if (handlers.has(handler)) handlers.set(handler, true)
  }

  unsubscribe(channel: Channel, handler: PublicationHandler): void {
    const handlers = this.#handlers.get(channel)
    if (!handlers?.delete(handler) || handlers.size > 0) return
    this.#handlers.delete(channel)
    this.#subscriptions.unsubscribe(this.#keys.bell(channel))
  }

  since(channel: Channel, cursor: Cursor, limit: PageLimit): Promise<LogPage> {
    return this.#log.since(channel, cursor, limit)
  }

  latest(channel: Channel, before: number | undefined, limit: PageLimit): Promise<LogPage> {
    return this.#log.latest(channel, before, limit)
  }

  onRestored(listener: () => void): void {
    this.#restored.push(listener)
  }

  /** Tells the listeners that publications may have been missed. */
  restored(): void {
    for (const listener of this.#restored) listener()
  }

  /** Drops the connection that hears a channel, which may be dead. */
  replaceSubscription(channel: Channel): void {
    this.#subscriptions.replace(this.#keys.bell(channel))
  }

  close(): void {
    this.#subscriptions.close()
    this.#replicas?.close()
  }

  #receive(bell: string, message: Buffer): void {
    const channel = this.#keys.channelOf(bell)
    const handlers = this.#handlers.get(channel)
    if (handlers === undefined) return
    let publication: Publication
    try {
      publication = decode(channel, message)
    } catch {
      // Anybody who may PUBLISH can put rubbish on a bell; it harms nobody.
      return
    }
    for (const [handler, active] of handlers) {
      if (!active) continue
      try {
        handler(publication)
      } catch (error) {
        // One handler's fault is not another's loss.
        this.#report(error)
      }
    }
  }
}
