import { Cluster, type Redis } from 'ioredis'
import { ServiceError } from '../../../core/model/errors.ts'
import { insist, siblingOptions } from './clients.ts'
import type { CommandConnection } from './command-connection.ts'
import { withDeadline } from './deadline.ts'
import { masterOf, nameOf } from './slots.ts'

/** The longest time that a publish waits for its replicas, in milliseconds. */
const PATIENCE = 800

/** The timeout of one WAIT, in milliseconds: shorter than `PATIENCE`, so that an error can say how many replicas have it. */
const ROUND = 700

/** The longest time of a publish, waiting included, in milliseconds. */
export const ANSWERED = 1900

/** The result of one WAIT: the number of replicas that have everything, and the first characters of the run id of the server. */
interface Round {
  replicas: number
  run: string
}

/** Waits until enough replicas have what was written, on connections of its own, since WAIT blocks its connection. */
export class Replicas {
  readonly #connection: CommandConnection
  readonly #wanted: number
  /** The waiter of each master, by its name. */
  readonly #waiters = new Map<string, Waiter>()

  constructor(connection: CommandConnection, wanted: number) {
    this.#connection = connection
    this.#wanted = wanted
    const { client } = connection
    if (client instanceof Cluster) client.on('refresh', () => this.#forget(client))
  }

  /**
   * Resolves when enough replicas have everything that was written until now on the server of `key`. `key`: a key that is written to, and
   * expires; `run`: the first eight characters of the run id of the server that stored the publish; `started`: the start of the publish
   * (`performance.now()`). Rejects with `replicas_missing` before `ANSWERED` has passed since then.
   */
  async have(key: string, run: string, started: number): Promise<void> {
    const patience = Math.min(PATIENCE, Math.max(0, ANSWERED - (performance.now() - started)))
    let round: Round
    try {
      round = await withDeadline(this.#waiterOf(key).join(key), patience)
    } catch (error) {
      throw missing('it is not known which replicas have it', error)
    }
    // Another server has answered: it has replaced the one that stored the publish, and may not have it.
    if (round.run !== run) throw missing('the master was replaced meanwhile')
    if (round.replicas < this.#wanted)
      throw missing(`${round.replicas} of ${this.#wanted} replicas have it in time`)
  }

  /** Ends the connections. */
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

/** One connection that waits, one WAIT at a time: the publishes that come during one share the next. */
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
      // A WAIT that comes while the connection is being opened waits for that as well.
      enableOfflineQueue: true,
    })
    this.#giveUp = insist(this.#client)
    // It tries again by itself, and the promise of `join` rejects.
    this.#client.on('error', () => undefined)
  }

  join(key: string): Promise<Round> {
    this.#next ??= Promise.withResolvers()
    const { promise } = this.#next
    if (!this.#busy) {
      this.#busy = true
      // Publishes that are answered in the same turn of the event loop share the first WAIT as well.
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

  /** Makes one WAIT. It covers the writes before the last one of its own connection, so it needs one, behind those of the publishes. */
  async #wait(key: string): Promise<Round> {
    const [, replicas, info] = await Promise.all([
      this.#client.set(key, '', 'EX', 1),
      this.#client.wait(this.#wanted, ROUND),
      this.#client.info('server'),
    ])
    return { replicas, run: /run_id:([0-9a-f]{8})/.exec(info)?.[1] ?? '' }
  }
}
