import calculateSlot from 'cluster-key-slot'
import { Cluster, type Redis } from 'ioredis'
import { type RedisConnection, retryStrategy } from './connection.ts'
import { type BellHandler, Subscriber } from './subscriber.ts'

/** Subscribing connections stay quiet for long, and notice a dead peer by the canary, not by a command. */
const SUBSCRIBER_OPTIONS = {
  commandTimeout: undefined,
  connectionName: 'tabcast-subscriber',
  // The nodes of a Cluster are configured to wait for a first command, and not to come back.
  lazyConnect: false,
  retryStrategy,
}

/** Which connection hears a bell: the only one, or on a Cluster that of the node that serves its slot. */
export interface Subscriptions {
  subscribe(bell: string): Promise<void>
  unsubscribe(bell: string): void
  /** Drops connections that may be dead; new ones take their place. */
  replace(): void
  close(): void
}

export function createSubscriptions(
  connection: RedisConnection,
  onMessage: BellHandler,
  onRestored: () => void,
): Subscriptions {
  const { client } = connection
  if (client instanceof Cluster) return new ClusterSubscriptions(connection, client, onMessage, onRestored)
  return new Subscriber(connection.createNode(optionsOf(client)), false, onMessage, onRestored)
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

  replace(): void {
    for (const node of this.#nodes.values()) node.replace()
  }

  close(): void {
    for (const node of this.#nodes.values()) node.close()
  }

  /** Moves every bell to the node that serves its slot now. */
  #reroute(): void {
    const moved: Promise<void>[] = []
    for (const [name, node] of this.#nodes) {
      for (const bell of [...node.bells]) {
        const home = this.#nodeOf(bell)
        if (home === node) continue
        node.unsubscribe(bell)
        moved.push(this.subscribe(bell))
      }
      if (!this.#cluster.nodes('master').some((master) => nameOf(master) === name)) {
        this.#nodes.delete(name)
        node.close()
      }
    }
    for (const [bell, waiting] of this.#homeless) {
      const home = this.#nodeOf(bell)
      if (home === undefined) continue
      this.#homeless.delete(bell)
      moved.push(home.subscribe(bell).then(waiting.resolve))
    }
    if (moved.length > 0) void Promise.all(moved).then(this.#onRestored)
  }

  #nodeOf(bell: string): Subscriber | undefined {
    // The map from slots to nodes is what ioredis itself routes commands by; it has no public name.
    const { slots } = this.#cluster as unknown as { slots: (string[] | undefined)[] }
    const name = slots[calculateSlot(bell)]?.[0]
    if (name === undefined) return undefined
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const master = this.#cluster.nodes('master').find((node) => nameOf(node) === name)
    if (master === undefined) return undefined
    const client = this.#connection.createNode(optionsOf(master))
    // A slot that has moved away is found out by asking for the slots again.
    client.on('moved', () => this.#cluster.refreshSlotsCache())
    client.on('error', () => this.#cluster.refreshSlotsCache())
    const node = new Subscriber(client, true, this.#onMessage, this.#onRestored)
    this.#nodes.set(name, node)
    return node
  }
}

/** A subscribing connection to the server that a client is connected to. */
function optionsOf({ options }: Redis): Parameters<RedisConnection['createNode']>[0] {
  const { replyMapping: _, ...rest } = options
  return { ...rest, ...SUBSCRIBER_OPTIONS }
}

const nameOf = (node: Redis): string => `${node.options.host}:${node.options.port}`
