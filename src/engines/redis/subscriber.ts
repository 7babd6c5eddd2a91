import type { Redis } from 'ioredis'

/** How many bells one command takes: 100,000 are subscribed again in less than a second. */
const BATCH = 5000

/** Called with each message that is heard. */
export type BellHandler = (bell: string, message: Buffer) => void

/**
 * One subscribing connection: keeps the bells that are wanted subscribed, whatever happens to the connection. What is asked for in one
 * turn of the event loop goes out together, and only the last wish counts.
 */
export class Subscriber {
  readonly #client: Redis
  readonly #sharded: boolean
  readonly #wanted = new Map<string, PromiseWithResolvers<void>>()
  readonly #changed = new Set<string>()
  /** What this connection was asked to hear. */
  #subscribed = new Set<string>()
  #flushing = false
  #connectedBefore = false

  /** `onRestored` is called when the subscriptions were cut and are back. */
  constructor(client: Redis, sharded: boolean, onMessage: BellHandler, onRestored: () => void) {
    this.#client = client
    this.#sharded = sharded
    client.on(sharded ? 'smessageBuffer' : 'messageBuffer', (bell: Buffer, message: Buffer) =>
      onMessage(bell.toString(), message),
    )
    // It tries again by itself, and the canary tells whether it has come back.
    client.on('error', () => undefined)
    client.on('close', () => {
      this.#subscribed = new Set()
    })
    client.on('ready', () => {
      for (const bell of this.#wanted.keys()) this.#changed.add(bell)
      void this.#flush().then(() => {
        if (this.#connectedBefore) onRestored()
        this.#connectedBefore = true
      })
    })
  }

  get client(): Redis {
    return this.#client
  }

  /** The bells that are wanted here. */
  get bells(): Iterable<string> {
    return this.#wanted.keys()
  }

  /** Resolves when the bell is subscribed, however long the connection takes. */
  subscribe(bell: string): Promise<void> {
    let wish = this.#wanted.get(bell)
    if (wish === undefined) {
      wish = Promise.withResolvers<void>()
      this.#wanted.set(bell, wish)
      this.#change(bell)
    }
    return wish.promise
  }

  /** Forgets a bell; who still waits for it waits no longer. */
  unsubscribe(bell: string): void {
    const wish = this.#wanted.get(bell)
    if (wish === undefined) return
    this.#wanted.delete(bell)
    wish.resolve()
    this.#change(bell)
  }

  /** Drops a connection that may be dead; a new one subscribes to everything again. */
  replace(): void {
    this.#client.disconnect(true)
  }

  close(): void {
    this.#client.disconnect()
  }

  #change(bell: string): void {
    this.#changed.add(bell)
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
    for (const bell of this.#changed) {
      if (this.#wanted.has(bell) && !this.#subscribed.has(bell)) add.push(bell)
      else if (!this.#wanted.has(bell) && this.#subscribed.has(bell)) remove.push(bell)
      else this.#wanted.get(bell)?.resolve()
    }
    this.#changed.clear()
    const sent: Promise<void>[] = []
    for (const bells of this.#batches(remove)) sent.push(this.#remove(bells))
    for (const bells of this.#batches(add)) sent.push(this.#add(bells))
    await Promise.all(sent)
  }

  /** Sharded channels of one command would have to share a slot. */
  *#batches(bells: string[]): Generator<string[]> {
    const size = this.#sharded ? 1 : BATCH
    for (let start = 0; start < bells.length; start += size) yield bells.slice(start, start + size)
  }

  async #add(bells: string[]): Promise<void> {
    const subscribed = this.#subscribed
    const wishes = bells.map((bell) => this.#wanted.get(bell))
    for (const bell of bells) subscribed.add(bell)
    try {
      await (this.#sharded ? this.#client.ssubscribe(...bells) : this.#client.subscribe(...bells))
      for (const wish of wishes) wish?.resolve()
    } catch {
      // The connection is of no use; the next one is asked for everything that is wanted.
      if (subscribed === this.#subscribed) this.replace()
    }
  }

  async #remove(bells: string[]): Promise<void> {
    for (const bell of bells) this.#subscribed.delete(bell)
    try {
      await (this.#sharded ? this.#client.sunsubscribe(...bells) : this.#client.unsubscribe(...bells))
    } catch {
      this.replace()
    }
  }
}
