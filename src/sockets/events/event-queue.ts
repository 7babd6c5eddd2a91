import { setTimeout as delay } from 'node:timers/promises'
import { TokenBucket } from '../../core/session/token-bucket.ts'
import type { TabConnection } from '../tab-connection.ts'

/** How many events of one tab may wait for the ones before them. */
const MAX_WAITING_EVENTS = 1000

/** What a value takes in memory besides its text, in bytes: about that much. */
const BYTES_PER_VALUE = 16

/**
 * Works on the events of one tab one after the other, so that answers come in the order of the questions and none is worked on for a tab
 * that does not read.
 */
export class EventQueue {
  readonly #connection: TabConnection
  readonly #maxBytes: number
  readonly #rate: TokenBucket
  readonly #pause: number
  #events = 0
  #bytes = 0
  #last = Promise.resolve()

  /** `maxBytes`: how much may wait; `rate`: how many events a second are worked on, after the first three seconds' worth. */
  constructor(connection: TabConnection, { maxBytes, rate }: { maxBytes: number; rate: number }) {
    this.#connection = connection
    this.#maxBytes = maxBytes
    this.#rate = new TokenBucket(rate, { burst: 3 * rate })
    this.#pause = 1000 / rate
  }

  /** Works on an event with these arguments when its turn comes; ends the connection if too much waits already. */
  add(args: readonly unknown[], work: () => Promise<void>): void {
    if (this.#events >= MAX_WAITING_EVENTS || this.#bytes > this.#maxBytes) {
      this.#connection.close('slow')
      return
    }
    const bytes = bytesOf(args)
    this.#events++
    this.#bytes += bytes
    this.#last = this.#last.then(async () => {
      while (this.#connection.isOpen && !this.#rate.take()) await delay(this.#pause)
      this.#events--
      this.#bytes -= bytes
      await work()
      await this.#connection.ready()
    })
  }
}

/** About how much parsed JSON takes in memory. Not recursive: it may be nested deeper than the stack. */
function bytesOf(value: unknown): number {
  let bytes = 0
  const left: unknown[] = [value]
  while (left.length > 0) {
    const next = left.pop()
    bytes += BYTES_PER_VALUE
    if (typeof next === 'string') bytes += next.length
    else if (ArrayBuffer.isView(next)) bytes += next.byteLength
    else if (Array.isArray(next)) for (const inner of next) left.push(inner)
    else if (typeof next === 'object' && next !== null)
      for (const [key, inner] of Object.entries(next)) {
        bytes += key.length
        left.push(inner)
      }
  }
  return bytes
}
