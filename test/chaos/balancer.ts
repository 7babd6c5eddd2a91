import type { Tabcast } from '../support/tabcast.ts'

/** How often each server is asked whether it is ready, in milliseconds. */
const INTERVAL = 100

/** What a load balancer does that follows `/readyz`: leads each caller to the next server that is ready. */
export class Balancer {
  readonly #servers = new Map<Tabcast, boolean>()
  readonly #timer: NodeJS.Timeout
  #turn = 0

  constructor(servers: readonly Tabcast[]) {
    for (const server of servers) this.#servers.set(server, true)
    this.#timer = setInterval(() => this.#ask(), INTERVAL)
  }

  /** The server whose turn it is. Throws if none is ready. */
  next(): Tabcast {
    const ready = [...this.#servers].filter(([, isReady]) => isReady).map(([server]) => server)
    if (ready.length === 0) throw new Error('no server is ready')
    return ready[this.#turn++ % ready.length]!
  }

  /** A server has been started again on the same address. */
  replace(old: Tabcast, server: Tabcast): void {
    this.#servers.delete(old)
    this.#servers.set(server, false)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #ask(): void {
    for (const server of this.#servers.keys())
      fetch(`${server.url}/readyz`, { signal: AbortSignal.timeout(1000) })
        .then(async (response) => {
          await response.arrayBuffer()
          return response.ok
        })
        .catch(() => false)
        .then((isReady) => {
          if (this.#servers.has(server)) this.#servers.set(server, isReady)
        })
  }
}
