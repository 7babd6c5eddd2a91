import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import type { Json } from './json.ts'

/** One event as a page saw it. */
export interface Seen {
  event: string
  payload: Json
}

export interface TabOptions extends Partial<ManagerOptions & SocketOptions> {
  token?: string | undefined
  since?: object | undefined
}

/** Milliseconds for which an event is waited for: shorter than a test may take, so that the error says what is missing. */
const PATIENCE = 25_000

/** A stock Socket.IO client that writes down everything it is sent. */
export class TestTab {
  readonly socket: Socket
  readonly seen: Seen[] = []
  readonly #waiting = new Set<() => void>()

  constructor(url: string, { token, since, ...options }: TabOptions = {}) {
    this.socket = io(url, {
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      auth: (send) => send({ token, since: this.since ?? since }),
      ...options,
    })
    this.socket.onAny((event: string, payload: unknown) => {
      this.seen.push({ event, payload })
      for (const look of this.#waiting) look()
    })
  }

  /** The cursor of the next connection; set it to what a page would keep. */
  since: object | undefined

  /** The payloads of one event so far. */
  all(event: string): Json[] {
    return this.seen.filter((seen) => seen.event === event).map(({ payload }) => payload)
  }

  /** Resolves when the CONNECT has been answered; rejects with the `connect_error`. */
  connected(): Promise<this> {
    if (this.socket.connected) return Promise.resolve(this)
    return new Promise((resolve, reject) => {
      this.socket.once('connect', () => resolve(this))
      this.socket.once('connect_error', reject)
    })
  }

  /** Resolves with the reason of the next disconnect. */
  disconnected(): Promise<string> {
    return new Promise((resolve) => this.socket.once('disconnect', resolve))
  }

  /** Resolves when so many of one event have come in all, with all of them; rejects before the test's own time is up, saying what came. */
  async sees(event: string, count = 1): Promise<Json[]> {
    if (this.all(event).length < count)
      await new Promise<void>((resolve, reject) => {
        const end = (conclude: () => void): void => {
          clearTimeout(timer)
          this.#waiting.delete(look)
          conclude()
        }
        const look = (): void => {
          if (this.all(event).length >= count) end(resolve)
        }
        const timer = setTimeout(() => end(() => reject(new Error(this.#missing(event, count)))), PATIENCE)
        this.#waiting.add(look)
      })
    return this.all(event)
  }

  #missing(event: string, count: number): string {
    const came = Object.entries(Object.groupBy(this.seen, (seen) => seen.event)).map(
      ([name, seen]) => `${seen!.length} ${name}`,
    )
    const state = this.socket.connected ? 'connected' : 'not connected'
    return `not ${count} ${event} within ${PATIENCE} ms: ${came.join(', ') || 'nothing'} came, and the tab is ${state}`
  }

  /** Emits an event and resolves with its acknowledgement. */
  ask(event: string, ...args: unknown[]): Promise<Json> {
    return this.socket.timeout(5000).emitWithAck(event, ...args)
  }

  close(): void {
    this.socket.disconnect()
  }
}
