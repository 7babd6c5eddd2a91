import type { Broker, LogPage, PageLimit, PublicationHandler, Published } from '../../core/engine/broker.ts'
import type { EngineOptions } from '../../core/engine/engine.ts'
import type { Channel } from '../../core/model/channel.ts'
import { decode } from '../../core/model/encoding.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { ItemDraft } from '../../core/model/item.ts'
import type { Cursor } from '../../core/model/position.ts'
import type { Draft, Publication } from '../../core/model/publication.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import { withDeadline } from './links/deadline.ts'
import { Replicas } from './links/replicas.ts'
import { createTopicListeners, type TopicListeners } from './links/topic-listeners.ts'
import type { LogReader } from './log-reader.ts'
import type { Store, Stored } from './store.ts'

/** The longest time that `subscribe` waits for its connection, in milliseconds. */
const SUBSCRIBE_PATIENCE = 1800

/** The most notifications that one call stores: some milliseconds in which the server does nothing else. */
const MAX_GROUP = 100

/** A function that sums the reply of `HGETALL` for a channel's connections, without those of dead processes. */
export type ConnectionSum = (channel: Channel, flat: readonly (Buffer | string)[]) => number

/** The log and its topic on Redis: a list per user and a stream per room, one script per verb, and a Pub/Sub channel as the topic. */
export class RedisBroker implements Broker {
  readonly #connection: CommandConnection
  readonly #keys: Keys
  readonly #store: Store
  readonly #log: LogReader
  readonly #report: EngineOptions['report']
  readonly #sum: ConnectionSum
  readonly #topicListeners: TopicListeners
  readonly #replicas: Replicas | undefined
  /** The handlers of each channel; true once the topic has been subscribed for them. */
  readonly #handlers = new Map<Channel, Map<PublicationHandler, boolean>>()
  readonly #restored: (() => void)[] = []

  constructor(
    connection: CommandConnection,
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
    this.#topicListeners = createTopicListeners(
      connection,
      (topic, message) => this.#receive(topic, message),
      () => this.restored(),
    )
  }

  async publish(draft: Draft): Promise<Published> {
    const started = performance.now()
    let runId = ''
    const stored = await this.#connection.run(() => {
      runId = this.#connection.runId
      return this.#store.put(draft, runId)
    })
    return this.#replicas === undefined
      ? this.#resultOf(draft, stored)
      : await this.#replicatedResultOf(draft, stored, runId, started)
  }

  async publishAll(drafts: readonly Draft[]): Promise<PromiseSettledResult<Published>[]> {
    const item = drafts[0]?.item
    // The keys of several channels are on several servers of a Cluster; and other publications than notifications have a script of their own.
    if (item === undefined || this.#connection.isCluster)
      return Promise.allSettled(drafts.map((draft) => this.publish(draft)))
    const groups: Promise<PromiseSettledResult<Published>[]>[] = []
    for (let start = 0; start < drafts.length; start += MAX_GROUP)
      groups.push(this.#publishGroup(drafts.slice(start, start + MAX_GROUP), item))
    return (await Promise.all(groups)).flat()
  }

  async #publishGroup(drafts: readonly Draft[], item: ItemDraft): Promise<PromiseSettledResult<Published>[]> {
    const started = performance.now()
    let runId = ''
    try {
      const stored = await this.#connection.run(() => {
        runId = this.#connection.runId
        return this.#store.putAll(drafts, item, runId)
      })
      if (this.#replicas === undefined)
        return drafts.map((draft, index) => settled(() => this.#resultOf(draft, stored[index]!)))
      return await Promise.allSettled(
        drafts.map((draft, index) => this.#replicatedResultOf(draft, stored[index]!, runId, started)),
      )
    } catch (reason) {
      return drafts.map(() => ({ status: 'rejected', reason }))
    }
  }

  /** The result of a publish. Throws `idempotency_conflict`. */
  #resultOf({ channel }: Draft, { status, id, seq, epoch, connections, upsert }: Stored): Published {
    if (status === 'conflict')
      throw new ServiceError(
        'idempotency_conflict',
        'this Idempotency-Key was used with another body in the last 24 hours',
      )
    const result: Published = {
      id,
      seq,
      epoch,
      connections: this.#sum(channel, connections),
      replayed: status === 'replayed',
    }
    if (upsert !== undefined) result.upsert = upsert
    return result
  }

  /** Makes the result of a publish, once as many replicas have it as are wanted. */
  async #replicatedResultOf(
    draft: Draft,
    stored: Stored,
    runId: string,
    started: number,
  ): Promise<Published> {
    const result = this.#resultOf(draft, stored)
    if (draft.stored) {
      // The run of the server that has just answered. On a Cluster it is in the epoch of a new entry; for an old entry the script returns it.
      const server = stored.runId || runId || stored.epoch.slice(stored.epoch.indexOf('.') + 1)
      await this.#replicas?.have(this.#keys.waited(draft.channel), server.slice(0, 8), started)
    }
    return result
  }

  async subscribe(channel: Channel, handler: PublicationHandler): Promise<void> {
    this.#connection.refuseIfClosed()
    const handlers = this.#handlers.get(channel) ?? new Map<PublicationHandler, boolean>()
    this.#handlers.set(channel, handlers.set(handler, false))
    try {
      await withDeadline(
        this.#topicListeners.subscribe(this.#keys.topic(channel)),
        SUBSCRIBE_PATIENCE,
        () => new ServiceError('engine_unavailable', 'Redis could not be subscribed to in time'),
      )
    } catch (error) {
      this.unsubscribe(channel, handler)
      throw error
    }
    // Messages that came in before were for an earlier handler of the topic.
    if (handlers.has(handler)) handlers.set(handler, true)
  }

  unsubscribe(channel: Channel, handler: PublicationHandler): void {
    const handlers = this.#handlers.get(channel)
    if (!handlers?.delete(handler) || handlers.size > 0) return
    this.#handlers.delete(channel)
    this.#topicListeners.unsubscribe(this.#keys.topic(channel))
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

  /** Calls the listeners of `onRestored`, since publications may have been missed. */
  restored(): void {
    for (const listener of this.#restored) listener()
  }

  /** Replaces the connection that listens to the topic of a channel, which may be dead. */
  replaceSubscription(channel: Channel): void {
    this.#topicListeners.replace(this.#keys.topic(channel))
  }

  /** Closes the connections that listen and those that wait for replicas. */
  close(): void {
    this.#topicListeners.close()
    this.#replicas?.close()
  }

  #receive(topic: string, message: Buffer): void {
    const channel = this.#keys.channelOf(topic)
    const handlers = this.#handlers.get(channel)
    if (handlers === undefined) return
    let publication: Publication
    try {
      publication = decode(channel, message)
    } catch {
      // Every client of this Redis can publish rubbish on a topic; it is skipped.
      return
    }
    for (const [handler, active] of handlers) {
      if (!active) continue
      try {
        handler(publication)
      } catch (error) {
        // The other handlers must still be called.
        this.#report(error)
      }
    }
  }
}

/** What `Promise.allSettled` would make of a function that is called at once. */
function settled<T>(call: () => T): PromiseSettledResult<T> {
  try {
    return { status: 'fulfilled', value: call() }
  } catch (reason) {
    return { status: 'rejected', reason }
  }
}
