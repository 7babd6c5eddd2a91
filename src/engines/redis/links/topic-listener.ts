import { type Redis, ReplyError } from 'ioredis'
import { insist } from './clients.ts'

/** How many topics one command takes: 100,000 are subscribed again in less than a second. */
const BATCH = 5000

/** How long after a refusal the server is asked again, in milliseconds; half of it at random. */
const REFUSED_PAUSE = 200

/** Called with each message that is heard. */
export type TopicHandler = (topic: string, message: Buffer) => void

/**
 * One subscribing connection: keeps the topics that are wanted subscribed, whatever happens to the connection. What is asked for in one
 * turn of the event loop goes out together, and only the last wish counts.
 */
export class TopicListener {
  readonly #client: Redis
  readonly #sharded: boolean
  readonly #onRestored: () => void
  readonly #giveUp: () => void
  readonly #wanted = new Map<string, PromiseWithResolvers<void>>()
  readonly #changed = new Set<string>()
  /** What this connection was asked to hear. */
  #subscribed = new Set<string>()
  /** Resolves when all that was sent until now has been answered, or lost with its connection. */
  #answered: Promise<unknown> = Promise.resolve()
  #flushing = false
  #connectedBefore = false
  /** True if publications may have been missed; told when everything is subscribed again. */
  #missed = false

  /** `onRestored` is called when subscriptions were cut and are back. */
  constructor(client: Redis, sharded: boolean, onMessage: TopicHandler, onRestored: () => void) {
    this.#client = client
    this.#sharded = sharded
    this.#onRestored = onRestored
    this.#giveUp = insist(client)
    client.on(sharded ? 'smessageBuffer' : 'messageBuffer', (topic: Buffer, message: Buffer) =>
      onMessage(topic.toString(), message),
    )
    // It tries again by itself, and the canary tells whether it has come back.
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

  /** Forgets a topic; who still waits for it waits no longer. */
  unsubscribe(topic: string): void {
    this.surrender(topic)?.()
  }

  /** Forgets a topic that somebody else will hear; answers what to call when that is so, for those who still wait for it. */
  surrender(topic: string): (() => void) | undefined {
    const wish = this.#wanted.get(topic)
    if (wish === undefined) return undefined
    this.#wanted.delete(topic)
    this.#change(topic)
    return wish.resolve
  }

  /** Takes note of the subscriptions that a node of a Cluster has dropped because their slot moved away; asks for them again if it came back. */
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
    // One that is being made has time limits of its own.
    if (this.#client.status === 'ready') this.#client.disconnect(true)
  }

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
    // What was asked for before may have been refused since; it is then asked for again.
    for (const topic of asked) if (this.#subscribed.has(topic)) this.#wanted.get(topic)?.resolve()
    if (!this.#missed) return
    this.#missed = false
    this.#onRestored()
  }

  /** Sharded channels of one command would have to share a slot. */
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
      // A connection that is of no use has been replaced, or is now; the next one is asked for everything that is wanted.
      if (subscribed !== this.#subscribed) return
      if (error instanceof ReplyError) this.#askAgain(topics)
      else this.replace()
    }
  }

  /** The server would not: the slot is not here, or not yet, or the cluster is down. */
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
      // A node that does not serve the slot any more has dropped the subscription by itself.
      if (!(error instanceof ReplyError)) this.replace()
    }
  }
}

/** ioredis keeps account of the sharded channels that a connection hears, pushed changes included; it has no public name. */
function heldBy(client: Redis): string[] {
  const { condition } = client as unknown as {
    condition: { subscriber: false | { channels(kind: 'ssubscribe'): string[] } } | null
  }
  return condition?.subscriber ? condition.subscriber.channels('ssubscribe') : []
}
