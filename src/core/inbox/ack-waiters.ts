import { randomUUIDv7 } from 'node:crypto'
import type { Broker } from '../engine/broker.ts'
import { processChannel } from '../model/channel.ts'
import { type Publication, payloadOf } from '../model/publication.ts'
import type { Inboxes } from './inboxes.ts'

/** Milliseconds between two looks of a call that nothing wakes. */
const LOOK_AGAIN = 250

/** One call that waits. */
interface Wait {
  /** True if the next look is the last. */
  isOver: boolean
  /** Resolved when it is time to look. */
  woken: PromiseWithResolvers<void>
}

/** The calls of this process that wait until a tab has acknowledged what they sent. */
export class AckWaiters {
  /** The name of this process as a `waiter` of notifications. */
  readonly name: string = randomUUIDv7()
  readonly #broker: Broker
  readonly #inboxes: Inboxes
  /** The calls that wait for a notification, by its id. */
  readonly #waiting = new Map<string, Set<Wait>>()
  #subscribed: Promise<void> | undefined

  constructor(broker: Broker, inboxes: Inboxes) {
    this.#broker = broker
    this.#inboxes = inboxes
  }

  /** Subscribes to this process's channel; to be awaited before the notification is published. Rejects with the engine's error. */
  async listen(): Promise<void> {
    this.#subscribed ??= this.#broker.subscribe(processChannel(this.name), this.#hear)
    try {
      await this.#subscribed
    } catch (error) {
      this.#subscribed = undefined
      throw error
    }
  }

  /**
   * Resolves to true as soon as a tab of the user has acknowledged the notification, and to false if none has after `seconds`. `isNamed`: the
   * notification names this process as its waiter; otherwise it looks again and again. Rejects with the engine's error.
   */
  async wait(user: string, id: string, seconds: number, isNamed = true): Promise<boolean> {
    const wait: Wait = { isOver: false, woken: Promise.withResolvers() }
    const others = this.#waiting.get(id) ?? new Set()
    this.#waiting.set(id, others.add(wait))
    const timer = setTimeout(() => end(wait), seconds * 1000)
    const looks = isNamed ? undefined : setInterval(() => wait.woken.resolve(), LOOK_AGAIN)
    try {
      for (;;) {
        const { isOver, woken } = wait
        // It may have been acknowledged before this call waited; and this may have been woken for the version that the notification replaced.
        const isDelivered = await this.#isDelivered(user, id)
        if (isDelivered || isOver) return isDelivered
        await woken.promise
        wait.woken = Promise.withResolvers()
      }
    } finally {
      clearTimeout(timer)
      clearInterval(looks)
      others.delete(wait)
      if (others.size === 0) this.#waiting.delete(id)
    }
  }

  /** Ends every wait now: each looks a last time. */
  close(): void {
    for (const waiting of this.#waiting.values()) for (const wait of waiting) end(wait)
  }

  readonly #hear = (publication: Publication): void => {
    const waiting = this.#waiting.get(String(payloadOf(publication).delivered)) ?? []
    for (const { woken } of waiting) woken.resolve()
  }

  async #isDelivered(user: string, id: string): Promise<boolean> {
    return (await this.#inboxes.find(user, id))?.deliveredAt !== undefined
  }
}

function end(wait: Wait): void {
  wait.isOver = true
  wait.woken.resolve()
}
