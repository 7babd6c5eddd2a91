import type { Tabcast } from '../../support/programs/tabcast.ts'

/** Milliseconds until a server is asked again whether it is ready. */
const INTERVAL = 100

/** Milliseconds that an answer may take. */
const PATIENCE = 2000

/** Leads each caller to the next server that is ready, as a load balancer does that follows `/readyz`. */
export class Balancer {
  readonly #servers = new Map<Tabcast, boolean>()
  readonly #timer: NodeJS.Timeout
  #turn = 0

  constructor(servers: readonly Tabcast[]) {
    for (const server of servers) this.#servers.set(server, true)
    this.#timer = setInterval(() => this.#ask(), INTERVAL)
  }

  /** The server whose turn it is; any of them if none is ready. */
  next(): Tabcast {
    const all = [...this.#servers.keys()]
    const ready = all.filter((server) => this.#servers.get(server))
    const candidates = ready.length > 0 ? ready : all
    return candidates[this.#turn++ % candidates.length]!
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
      void isReady(server).then((answer) => {
        // One that is slow to answer stays what it was.
        if (answer !== undefined && this.#servers.has(server)) this.#servers.set(server, answer)
      })
  }
}

async function isReady({ url }: Tabcast): Promise<boolean | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE) })
    await response.arrayBuffer()
    return response.ok
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? undefined : false
  }
}
