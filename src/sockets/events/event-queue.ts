import { setTimeout as delay } from 'node:timers/promises'
import type { TabSession } from '../../core/session/tab-session.ts'
import { TokenBucket } from '../../core/session/token-bucket.ts'

/** The most events of one tab that may wait for the ones before them. */
const MAX_WAITING_EVENTS = 1000

/** The bytes that a value takes in memory besides its text, roughly. */
const BYTES_PER_VALUE = 16

/**
 * Handles the events of one tab one after the other, so that answers come in the order of the questions, and none is handled for a tab that
 * does not read.
 */
export class EventQueue {
  readonly #connection: TabSession
  readonly #maxBytes: number
  readonly #rate: TokenBucket
  readonly #pause: number
  #events = 0
  #bytes = 0
  /** Those that wait, and the one that is being handled. */
  #unfinished = 0
  #last = Promise.resolve()

  /** `maxBytes`: the most that may wait; `rate`: the events that are handled in a second, after the first three seconds' worth. */
  constructor(connection: TabSession, { maxBytes, rate }: { maxBytes: number; rate: number }) {
    this.#connection = connection
    this.#maxBytes = maxBytes
    this.#rate = new TokenBucket(rate, { burst: 3 * rate })
    this.#pause = 1000 / rate
  }

  /** Returns true if an event that came now would be handled at once, and counts it as handled. */
  passes(): boolean {
    return this.#unfinished === 0 && this.#rate.take()
  }

  /** Calls `handle` when the turn of an event with these arguments comes; ends the connection if too much waits already. */
  add(args: readonly unknown[], handle: () => Promise<void>): void {
    if (this.#events >= MAX_WAITING_EVENTS || this.#bytes > this.#maxBytes) {
      this.#connection.close('slow')
      return
    }
    const bytes = bytesOf(args)
    this.#events++
    this.#bytes += bytes
    this.#unfinished++
    this.#last = this.#last.then(async () => {
      while (this.#connection.isOpen && !this.#rate.take()) await delay(this.#pause)
      this.#events--
      this.#bytes -= bytes
      await handle()
      await this.#connection.ready()
      this.#unfinished--
    })
  }
}

/** The bytes that parsed JSON takes in memory, roughly. Not recursive: it may be nested deeper than the stack. */
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
