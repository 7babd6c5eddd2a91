import { Cluster } from 'ioredis'
import { siblingOptions } from './clients.ts'
import type { RedisConnection } from './connection.ts'
import { masterOf, nameOf } from './slots.ts'
import { type BellHandler, Subscriber } from './subscriber.ts'

/** How long after a hint that slots have moved they are asked for, in milliseconds: such hints come in swarms. */
const FOLLOW_PAUSE = 100

/** Subscribing connections stay quiet for long, and notice a dead peer by the canary, not by a command. */
const SUBSCRIBER_OPTIONS = {
  commandTimeout: undefined,
  connectionName: 'tabcast-subscriber',
}

/** Which connection hears a bell: the only one, or on a Cluster that of the node that serves its slot. */
export interface Subscriptions {
  subscribe(bell: string): Promise<void>
  unsubscribe(bell: string): void
  /** Drops the connection that hears a bell, which may be dead; a new one takes its place. */
  replace(bell: string): void
  close(): void
}

export function createSubscriptions(
  connection: RedisConnection,
  onMessage: BellHandler,
  onRestored: () => void,
): Subscriptions {
  const { client } = connection
  if (client instanceof Cluster) return new ClusterSubscriptions(connection, client, onMessage, onRestored)
  return new Subscriber(
    connection.createNode({ ...siblingOptions(client), ...SUBSCRIBER_OPTIONS }),
    false,
    onMessage,
    onRestored,
  )
}

/** One subscriber per master; the bells move when the slots do. */
class ClusterSubscriptions implements Subscriptions {
  readonly #connection: RedisConnection
  readonly #cluster: Cluster
  readonly #onMessage: BellHandler
  readonly #onRestored: () => void
  readonly #nodes = new Map<string, Subscriber>()
  /** Bells whose slot has no node at present, and who waits for them. */
  readonly #homeless = new Map<string, PromiseWithResolvers<void>>()
  #following: NodeJS.Timeout | undefined

  constructor(connection: RedisConnection, cluster: Cluster, onMessage: BellHandler, onRestored: () => void) {
    this.#connection = connection
    this.#cluster = cluster
    this.#onMessage = onMessage
    this.#onRestored = onRestored
    cluster.on('refresh', () => this.#reroute())
  }

  subscribe(bell: string): Promise<void> {
    const node = this.#nodeOf(bell)
    if (node !== undefined) return node.subscribe(bell)
    let waiting = this.#homeless.get(bell)
    if (waiting === undefined) {
      waiting = Promise.withResolvers()
      this.#homeless.set(bell, waiting)
    }
    return waiting.promise
  }

  unsubscribe(bell: string): void {
    this.#homeless.get(bell)?.resolve()
    this.#homeless.delete(bell)
    for (const node of this.#nodes.values()) node.unsubscribe(bell)
  }

  replace(bell: string): void {
    this.#nodeOf(bell)?.replace()
  }

  close(): void {
    clearTimeout(this.#following)
    for (const node of this.#nodes.values()) node.close()
  }

  /** Asks where the slots are now, once for many reasons to do so. */
  #follow(): void {
    this.#following ??= setTimeout(() => {
      this.#following = undefined
      this.#connection.refreshSlots()
    }, FOLLOW_PAUSE).unref()
  }

  /** Moves every bell to the node that serves its slot now. */
  #reroute(): void {
    const masters = new Set(this.#cluster.nodes('master').map(nameOf))
    for (const [name, node] of this.#nodes) {
      node.noticeDropped()
      for (const bell of [...node.bells]) {
        if (this.#nodeOf(bell) === node) continue
        const moved = node.surrender(bell)
        void this.subscribe(bell).then(() => {
          moved?.()
          this.#onRestored()
        })
      }
      if (masters.has(name)) continue
      this.#nodes.delete(name)
      node.close()
    }
    for (const [bell, waiting] of this.#homeless) {
      const home = this.#nodeOf(bell)
      if (home === undefined) continue
      this.#homeless.delete(bell)
      void home.subscribe(bell).then(waiting.resolve)
    }
  }

  #nodeOf(bell: string): Subscriber | undefined {
    const master = masterOf(this.#cluster, bell)
    if (master === undefined) return undefined
    const known = this.#nodes.get(master.name)
    if (known !== undefined) return known
    const client = this.#connection.createNode({ ...siblingOptions(master.node), ...SUBSCRIBER_OPTIONS })
    // A slot that has moved away is found out by asking for the slots again.
    client.on('moved', () => this.#follow())
    client.on('error', () => this.#follow())
    const node = new Subscriber(client, true, this.#onMessage, this.#onRestored)
    this.#nodes.set(master.name, node)
    return node
  }
}
