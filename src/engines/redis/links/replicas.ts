import { Cluster, type Redis } from 'ioredis'
import { ServiceError } from '../../../core/model/errors.ts'
import { insist, siblingOptions } from './clients.ts'
import type { CommandConnection } from './command-connection.ts'
import { withDeadline } from './deadline.ts'
import { masterOf, nameOf } from './slots.ts'

/** How long a publish waits for its replicas, in milliseconds. */
const PATIENCE = 800

/** How long one WAIT may take, in milliseconds: who was there when it began should hear from it how many replicas there are. */
const ROUND = 700

/** By when a publish must be answered, waiting included, in milliseconds. */
export const ANSWERED = 1900

/** What one WAIT has found: how many replicas have everything, and which run of which server said so. */
interface Round {
  replicas: number
  run: string
}

/** Waits until so many replicas have what was written, on connections of its own: WAIT holds up whatever comes behind it. */
export class Replicas {
  readonly #connection: CommandConnection
  readonly #wanted: number
  /** One per master. */
  readonly #waiters = new Map<string, Waiter>()

  constructor(connection: CommandConnection, wanted: number) {
    this.#connection = connection
    this.#wanted = wanted
    const { client } = connection
    if (client instanceof Cluster) client.on('refresh', () => this.#forget(client))
  }

  /**
   * Resolves when the replicas have everything that was written until now where `key` is; the server that wrote it is named by the
   * first eight characters of its run id. `key` is written to, and expires. Rejects with `replicas_missing` in time for a publish that
   * `started` then (`performance.now()`).
   */
  async have(key: string, run: string, started: number): Promise<void> {
    const patience = Math.min(PATIENCE, Math.max(0, ANSWERED - (performance.now() - started)))
    let round: Round
    try {
      round = await withDeadline(this.#waiterOf(key).join(key), patience)
    } catch (error) {
      throw missing('it is not known which replicas have it', error)
    }
    // What another server has waited for is not what was written: it has taken the place of the one that stored it.
    if (round.run !== run) throw missing('the master was replaced meanwhile')
    if (round.replicas < this.#wanted)
      throw missing(`${round.replicas} of ${this.#wanted} replicas have it in time`)
  }

  close(): void {
    for (const waiter of this.#waiters.values()) waiter.close()
  }

  #waiterOf(key: string): Waiter {
    const { client } = this.#connection
    const master = client instanceof Cluster ? masterOf(client, key) : { name: '', node: client }
    if (master === undefined) throw new Error('the slot is served by nobody')
    let waiter = this.#waiters.get(master.name)
    if (waiter === undefined) {
      waiter = new Waiter(this.#connection, master.node, this.#wanted)
      this.#waiters.set(master.name, waiter)
    }
    return waiter
  }

  #forget(cluster: Cluster): void {
    const masters = new Set(cluster.nodes('master').map(nameOf))
    for (const [name, waiter] of this.#waiters) {
      if (masters.has(name)) continue
      this.#waiters.delete(name)
      waiter.close()
    }
  }
}

const missing = (detail: string, cause?: unknown): ServiceError =>
  new ServiceError('replicas_missing', `It is stored, but ${detail}; repeat it with the same key`, { cause })

/** One connection that waits, one WAIT at a time: whoever comes during one shares the next. */
class Waiter {
  readonly #client: Redis
  readonly #giveUp: () => void
  readonly #wanted: number
  #next: PromiseWithResolvers<Round> | undefined
  #busy = false

  constructor(connection: CommandConnection, master: Redis, wanted: number) {
    this.#wanted = wanted
    this.#client = connection.createNode({
      ...siblingOptions(master),
      connectionName: 'tabcast-replicas',
      commandTimeout: ANSWERED,
      // Who comes while it is being made waits for it as for the replicas.
      enableOfflineQueue: true,
    })
    this.#giveUp = insist(this.#client)
    // It tries again by itself, and whoever waits is told.
    this.#client.on('error', () => undefined)
  }

  join(key: string): Promise<Round> {
    this.#next ??= Promise.withResolvers()
    const { promise } = this.#next
    if (!this.#busy) {
      this.#busy = true
      // What is answered in the same turn of the event loop shares the first one as well.
      setImmediate(() => void this.#work(key))
    }
    return promise
  }

  close(): void {
    this.#giveUp()
    this.#client.disconnect()
  }

  async #work(key: string): Promise<void> {
    for (let round = this.#next; round !== undefined; round = this.#next) {
      this.#next = undefined
      await this.#wait(key).then(round.resolve, round.reject)
    }
    this.#busy = false
  }

  /** WAIT looks at the last write of its own connection, so there has to be one, behind those that are waited for. */
  async #wait(key: string): Promise<Round> {
    const [, replicas, info] = await Promise.all([
      this.#client.set(key, '', 'EX', 1),
      this.#client.wait(this.#wanted, ROUND),
      this.#client.info('server'),
    ])
    return { replicas, run: /run_id:([0-9a-f]{8})/.exec(info)?.[1] ?? '' }
  }
}
