import { type Redis, ReplyError } from 'ioredis'
import { insist } from './clients.ts'

/** The most topics in one command: 100,000 are subscribed to again in less than a second. */
const BATCH = 5000

/** The pause after a refusal, in milliseconds, of which up to a half is taken off at random. */
const REFUSED_PAUSE = 200

/** A function that is called with each message of a topic. */
export type TopicHandler = (topic: string, message: Buffer) => void

/**
 * One listening connection: keeps the wanted topics subscribed, whatever happens to the connection. All calls in one turn of the event loop go
 * out together, and only the last one for a topic counts.
 */
export class TopicListener {
  readonly #client: Redis
  readonly #sharded: boolean
  readonly #onRestored: () => void
  readonly #giveUp: () => void
  readonly #wanted = new Map<string, PromiseWithResolvers<void>>()
  readonly #changed = new Set<string>()
  /** The topics that this connection has asked for. */
  #subscribed = new Set<string>()
  /** Resolves when all commands that were sent until now have been answered, or lost with their connection. */
  #answered: Promise<unknown> = Promise.resolve()
  #flushing = false
  #connectedBefore = false
  /** True if messages may have been missed; `onRestored` is called when everything is subscribed again. */
  #missed = false

  /** `sharded`: true for a node of a Cluster; `onRestored`: called when topics were cut off and are back. */
  constructor(client: Redis, sharded: boolean, onMessage: TopicHandler, onRestored: () => void) {
    this.#client = client
    this.#sharded = sharded
    this.#onRestored = onRestored
    this.#giveUp = insist(client)
    client.on(sharded ? 'smessageBuffer' : 'messageBuffer', (topic: Buffer, message: Buffer) =>
      onMessage(topic.toString(), message),
    )
    // It tries again by itself, and the canary notices if that does not succeed.
    client.on('error', () => undefined)
    client.on('close', () => {
      this.#subscribed = new Set()
    })
    client.on('ready', () => {
      for (const topic of this.#wanted.keys()) this.#changed.add(topic)
      this.#missed = this.#connectedBefore
      this.#connectedBefore = true
      void this.#flush()
    })
  }

  /** The topics that are wanted here. */
  get topics(): Iterable<string> {
    return this.#wanted.keys()
  }

  /** Resolves when the topic is subscribed, however long the connection takes. */
  subscribe(topic: string): Promise<void> {
    let wish = this.#wanted.get(topic)
    if (wish === undefined) {
      wish = Promise.withResolvers<void>()
      this.#wanted.set(topic, wish)
      this.#change(topic)
    }
    return wish.promise
  }

  /** Forgets a topic, and resolves the promises of those that still wait for it. */
  unsubscribe(topic: string): void {
    this.surrender(topic)?.()
  }

  /**
   * Forgets a topic that another connection takes over. Returns the function that resolves the promises of those that still wait for it, to be
   * called when that connection hears the topic; undefined if the topic was not wanted here.
   */
  surrender(topic: string): (() => void) | undefined {
    const wish = this.#wanted.get(topic)
    if (wish === undefined) return undefined
    this.#wanted.delete(topic)
    this.#change(topic)
    return wish.resolve
  }

  /** Notices the topics that a node of a Cluster has dropped because their slot moved away, and asks again for those that are still wanted. */
  noticeDropped(): void {
    const held = new Set(heldBy(this.#client))
    for (const topic of this.#subscribed)
      if (!held.has(topic)) {
        this.#subscribed.delete(topic)
        if (this.#wanted.has(topic)) this.#missOut(topic)
      }
  }

  /** Drops a connection that may be dead; a new one subscribes to everything again. */
  replace(): void {
    // A connection that is being opened has time limits of its own.
    if (this.#client.status === 'ready') this.#client.disconnect(true)
  }

  /** Ends the connection. */
  close(): void {
    this.#giveUp()
    this.#client.disconnect()
  }

  #missOut(topic: string): void {
    this.#missed = true
    this.#change(topic)
  }

  #change(topic: string): void {
    this.#changed.add(topic)
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      void this.#flush()
    })
  }

  /** Sends the difference between what is wanted and what is subscribed. */
  async #flush(): Promise<void> {
    if (this.#client.status !== 'ready') return
    const add: string[] = []
    const remove: string[] = []
    const asked: string[] = []
    for (const topic of this.#changed) {
      if (this.#wanted.has(topic) && !this.#subscribed.has(topic)) add.push(topic)
      else if (!this.#wanted.has(topic) && this.#subscribed.has(topic)) remove.push(topic)
      else if (this.#wanted.has(topic)) asked.push(topic)
    }
    this.#changed.clear()
    const sent: Promise<void>[] = []
    for (const topics of this.#batches(remove)) sent.push(this.#remove(topics))
    for (const topics of this.#batches(add)) sent.push(this.#add(topics))
    this.#answered = Promise.all([this.#answered, ...sent])
    await this.#answered
    // A topic that was asked for before may have been refused since; then it is asked for again.
    for (const topic of asked) if (this.#subscribed.has(topic)) this.#wanted.get(topic)?.resolve()
    if (!this.#missed) return
    this.#missed = false
    this.#onRestored()
  }

  /** The topics of one command each: sharded ones would have to share a slot, so they go one by one. */
  *#batches(topics: string[]): Generator<string[]> {
    const size = this.#sharded ? 1 : BATCH
    for (let start = 0; start < topics.length; start += size) yield topics.slice(start, start + size)
  }

  async #add(topics: string[]): Promise<void> {
    const subscribed = this.#subscribed
    const wishes = topics.map((topic) => this.#wanted.get(topic))
    for (const topic of topics) subscribed.add(topic)
    try {
      await (this.#sharded ? this.#client.ssubscribe(...topics) : this.#client.subscribe(...topics))
      for (const wish of wishes) wish?.resolve()
    } catch (error) {
      // If the connection has been replaced meanwhile, the new one asks for everything that is wanted.
      if (subscribed !== this.#subscribed) return
      if (error instanceof ReplyError) this.#askAgain(topics)
      else this.replace()
    }
  }

  /** Asks again later for topics that the server refused: their slot is not here, or not yet, or the cluster is down. */
  #askAgain(topics: string[]): void {
    for (const topic of topics) this.#subscribed.delete(topic)
    setTimeout(
      () => {
        for (const topic of topics)
          if (this.#wanted.has(topic) && !this.#subscribed.has(topic)) this.#missOut(topic)
      },
      REFUSED_PAUSE * (0.5 + Math.random() / 2),
    ).unref()
  }

  async #remove(topics: string[]): Promise<void> {
    for (const topic of topics) this.#subscribed.delete(topic)
    try {
      await (this.#sharded ? this.#client.sunsubscribe(...topics) : this.#client.unsubscribe(...topics))
    } catch (error) {
      // A node that no longer serves the slot has dropped the topic by itself.
      if (!(error instanceof ReplyError)) this.replace()
    }
  }
}

/** The sharded channels that a connection hears, by the account of ioredis, which has no public name. */
function heldBy(client: Redis): string[] {
  const { condition } = client as unknown as {
    condition: { subscriber: false | { channels(kind: 'ssubscribe'): string[] } } | null
  }
  return condition?.subscriber ? condition.subscriber.channels('ssubscribe') : []
}
