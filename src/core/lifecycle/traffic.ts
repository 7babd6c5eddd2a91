import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** How long nobody may have asked before a server counts as left alone, in milliseconds. */
const QUIET = 500

/** The traffic of an HTTP server, for an orderly end. */
export class Traffic {
  readonly #connections = new Set<Socket>()
  #requests = 0
  #leaving = false

  /** `isCounted`: true for the URL of a request that somebody would miss; the others never delay the end. */
  constructor(server: Server, isCounted: (url: string) => boolean) {
    server.on('connection', (connection: Socket) => {
      this.#connections.add(connection)
      connection.once('close', () => this.#connections.delete(connection))
    })
    server.prependListener('request', ({ url = '' }: IncomingMessage, response: ServerResponse) => {
      if (!isCounted(url)) return
      this.#requests++
      // A client that keeps connections open is asked to come back on a new one, which may lead elsewhere.
      if (this.#leaving) response.setHeader('connection', 'close')
    })
  }

  /** Asks clients that keep connections open to go elsewhere, from now on. */
  leave(): void {
    this.#leaving = true
  }

  /**
   * Waits until nobody has asked for half a second, at most so many milliseconds: a balancer needs a moment to learn that a process is
   * leaving, and what it sends until then is still answered.
   */
  async untilQuiet(most: number): Promise<void> {
    const end = Date.now() + most
    for (let before = -1; before !== this.#requests && Date.now() < end; ) {
      before = this.#requests
      await delay(Math.min(QUIET, Math.max(0, end - Date.now())))
    }
  }

  /** Ends every connection now, whatever is under way on it. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy()
  }
}
