import { Cluster } from 'ioredis'
import { siblingOptions } from './clients.ts'
import type { CommandConnection } from './command-connection.ts'
import { masterOf, nameOf } from './slots.ts'
import { type TopicHandler, TopicListener } from './topic-listener.ts'

/** How long after a hint that slots have moved they are asked for, in milliseconds: such hints come in swarms. */
const FOLLOW_PAUSE = 100

/** Subscribing connections stay quiet for long, and notice a dead peer by the canary, not by a command. */
const LISTENER_OPTIONS = {
  commandTimeout: undefined,
  connectionName: 'tabcast-subscriber',
}

/** Which connection hears a topic: the only one, or on a Cluster that of the node that serves its slot. */
export interface TopicListeners {
  subscribe(topic: string): Promise<void>
  unsubscribe(topic: string): void
  /** Drops the connection that hears a topic, which may be dead; a new one takes its place. */
  replace(topic: string): void
  close(): void
}

export function createTopicListeners(
  connection: CommandConnection,
  onMessage: TopicHandler,
  onRestored: () => void,
): TopicListeners {
  const { client } = connection
  if (client instanceof Cluster) return new ClusterTopicListeners(connection, client, onMessage, onRestored)
  return new TopicListener(
    connection.createNode({ ...siblingOptions(client), ...LISTENER_OPTIONS }),
    false,
    onMessage,
    onRestored,
  )
}

/** One subscriber per master; the topics move when the slots do. */
class ClusterTopicListeners implements TopicListeners {
  readonly #connection: CommandConnection
  readonly #cluster: Cluster
  readonly #onMessage: TopicHandler
  readonly #onRestored: () => void
  readonly #nodes = new Map<string, TopicListener>()
  /** Bells whose slot has no node at present, and who waits for them. */
  readonly #homeless = new Map<string, PromiseWithResolvers<void>>()
  #following: NodeJS.Timeout | undefined

  constructor(
    connection: CommandConnection,
    cluster: Cluster,
    onMessage: TopicHandler,
    onRestored: () => void,
  ) {
    this.#connection = connection
    this.#cluster = cluster
    this.#onMessage = onMessage
    this.#onRestored = onRestored
    cluster.on('refresh', () => this.#reroute())
  }

  subscribe(topic: string): Promise<void> {
    const node = this.#nodeOf(topic)
    if (node !== undefined) return node.subscribe(topic)
    let waiting = this.#homeless.get(topic)
    if (waiting === undefined) {
      waiting = Promise.withResolvers()
      this.#homeless.set(topic, waiting)
    }
    return waiting.promise
  }

  unsubscribe(topic: string): void {
    this.#homeless.get(topic)?.resolve()
    this.#homeless.delete(topic)
    for (const node of this.#nodes.values()) node.unsubscribe(topic)
  }

  replace(topic: string): void {
    this.#nodeOf(topic)?.replace()
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

  /** Moves every topic to the node that serves its slot now. */
  #reroute(): void {
    const masters = new Set(this.#cluster.nodes('master').map(nameOf))
    for (const [name, node] of this.#nodes) {
      node.noticeDropped()
      for (const topic of [...node.topics]) {
        if (this.#nodeOf(topic) === node) continue
        const moved = node.surrender(topic)
        void this.subscribe(topic).then(() => {
          moved?.()
          this.#onRestored()
        })
      }
      if (masters.has(name)) continue
      this.#nodes.delete(name)
      node.close()
    }
    for (const [topic, waiting] of this.#homeless) {
      const home = this.#nodeOf(topic)
      if (home === undefined) continue
      this.#homeless.delete(topic)
      void home.subscribe(topic).then(waiting.resolve)
    }
  }

  #nodeOf(topic: string): TopicListener | undefined {
    const master = masterOf(this.#cluster, topic)
    if (master === undefined) return undefined
    const known = this.#nodes.get(master.name)
    if (known !== undefined) return known
    const client = this.#connection.createNode({ ...siblingOptions(master.node), ...LISTENER_OPTIONS })
    // A slot that has moved away is found out by asking for the slots again.
    client.on('moved', () => this.#follow())
    client.on('error', () => this.#follow())
    const node = new TopicListener(client, true, this.#onMessage, this.#onRestored)
    this.#nodes.set(master.name, node)
    return node
  }
}
