import { Cluster } from 'ioredis'
import { siblingOptions } from './clients.ts'
import type { CommandConnection } from './command-connection.ts'
import { masterOf, nameOf } from './slots.ts'
import { type TopicHandler, TopicListener } from './topic-listener.ts'

/** The time from a hint that slots have moved until they are asked for, in milliseconds: such hints come in swarms. */
const FOLLOW_PAUSE = 100

/** The options of listening connections. They are quiet for long, and a dead one is noticed by the canary, not by a command. */
const LISTENER_OPTIONS = {
  commandTimeout: undefined,
  connectionName: 'tabcast-subscriber',
}

/** The connections that listen to topics: a single one, or on a Cluster one per master, for the topics whose slots it serves. */
export interface TopicListeners {
  /** Resolves when the topic is subscribed, however long that takes. */
  subscribe(topic: string): Promise<void>
  /** Forgets a topic; one that is not subscribed is ignored. */
  unsubscribe(topic: string): void
  /** Replaces the connection that listens to a topic, which may be dead. */
  replace(topic: string): void
  /** Ends the connections. */
  close(): void
}

/** Creates the listening connections beside a connection for commands. `onRestored`: called when topics were cut off and are back. */
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

/** One listener per master; the topics move when the slots do. */
class ClusterTopicListeners implements TopicListeners {
  readonly #connection: CommandConnection
  readonly #cluster: Cluster
  readonly #onMessage: TopicHandler
  readonly #onRestored: () => void
  readonly #nodes = new Map<string, TopicListener>()
  /** Topics whose slot has no node at present, with the promises of those that wait for them. */
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

  /** Reads the map of slots anew, once for many hints. */
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
    // Both may mean that a slot has moved away.
    client.on('moved', () => this.#follow())
    client.on('error', () => this.#follow())
    const node = new TopicListener(client, true, this.#onMessage, this.#onRestored)
    this.#nodes.set(master.name, node)
    return node
  }
}
