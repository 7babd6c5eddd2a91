import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** The fate of a connection's bytes. */
export type Traffic =
  /** They go through. */
  | 'open'
  /** They are held in both directions, and the connection stays: a black hole. What was held goes through when it is open again. */
  | 'frozen'
  /** Lets through what the client sends, and throws away what the server answers. */
  | 'deaf'

/** One connection through a proxy. */
export interface ProxiedConnection {
  /** True if the client has sent these bytes, such as `SUBSCRIBE`, in its first megabyte. */
  hasSent(text: string): boolean
  /** Ends it on both sides with a reset. */
  cut(): void
  /** Decides over its bytes from now on. */
  set(traffic: Traffic): void
}

/** A TCP proxy on loopback whose traffic can be disturbed. */
export interface TcpProxy {
  readonly port: number
  readonly connections: ReadonlySet<ProxiedConnection>
  /** Number of connections that were cut so far. */
  readonly cuts: number
  /** Number of bytes of answers that were thrown away so far. */
  readonly dropped: number
  /** Ends all connections; new ones get through. Answers how many there were. */
  cut(): number
  /** Decides over the bytes of all connections, and of those that come later. */
  set(traffic: Traffic): void
  /** Refuses new connections, or not: they are closed as soon as they are made. */
  refuse(refused: boolean): void
  /** After how many bytes of answers new connections are cut; undefined for never. */
  limit(bytes: number | undefined): void
  /** Leads new connections to another port. */
  retarget(port: number): void
  close(): Promise<void>
}

/** Starts a proxy in front of a server on loopback, which sees its connections come from `localAddress`. */
export async function startProxy(target: number, localAddress = '127.0.0.1'): Promise<TcpProxy> {
  const connections = new Set<Link>()
  let traffic: Traffic = 'open'
  let refused = false
  let limit = Infinity
  let destination = target
  let cuts = 0
  let dropped = 0

  const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    if (refused) {
      client.resetAndDestroy()
      return
    }
    const link = new Link(client, { port: destination, localAddress }, limit, {
      onLimit: () => {
        cuts++
      },
      onDrop: (bytes) => {
        dropped += bytes
      },
      onEnd: () => connections.delete(link),
    })
    link.set(traffic)
    connections.add(link)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }

  const cut = (): number => {
    const { size } = connections
    for (const link of connections) link.cut()
    cuts += size
    return size
  }
  return {
    port,
    connections,
    get cuts() {
      return cuts
    },
    get dropped() {
      return dropped
    },
    cut,
    set(next) {
      traffic = next
      for (const link of connections) link.set(next)
    },
    refuse(next) {
      refused = next
    },
    limit(bytes = Infinity) {
      limit = bytes
    },
    retarget(next) {
      destination = next
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Bytes that are remembered of what a client sends. */
const REMEMBERED = 1_048_576

interface LinkEvents {
  onLimit(): void
  onDrop(bytes: number): void
  onEnd(): void
}

class Link implements ProxiedConnection {
  readonly #client: Socket
  readonly #server: Socket
  #traffic: Traffic = 'open'
  readonly #onDrop: LinkEvents['onDrop']
  #sent = ''

  constructor(
    client: Socket,
    target: { port: number; localAddress: string },
    limit: number,
    { onLimit, onDrop, onEnd }: LinkEvents,
  ) {
    let left = limit
    this.#client = client
    this.#onDrop = onDrop
    this.#server = connect({ ...target, host: '127.0.0.1', noDelay: true })
    this.#pump(client, this.#server, (chunk) => {
      if (this.#sent.length < REMEMBERED) this.#sent += chunk.toString('latin1')
    })
    this.#pump(this.#server, client, (chunk) => {
      left -= chunk.length
      if (left >= 0) return
      // What is too much, counted from the end.
      client.write(chunk.subarray(0, left))
      this.cut()
      onLimit()
    })
    for (const side of [client, this.#server]) {
      // An error is followed by the close, which says all there is to say.
      side.on('error', () => undefined)
      side.once('close', () => {
        this.cut()
        onEnd()
      })
    }
  }

  hasSent(text: string): boolean {
    return this.#sent.toUpperCase().includes(text.toUpperCase())
  }

  cut(): void {
    this.#client.resetAndDestroy()
    this.#server.resetAndDestroy()
  }

  set(traffic: Traffic): void {
    this.#traffic = traffic
    for (const side of [this.#client, this.#server])
      if (traffic === 'frozen') side.pause()
      else side.resume()
  }

  #pump(from: Socket, to: Socket, look: (chunk: Buffer) => void = () => undefined): void {
    from.on('data', (chunk: Buffer) => {
      look(chunk)
      if (from === this.#server && this.#traffic === 'deaf') {
        this.#onDrop(chunk.length)
        return
      }
      if (to.write(chunk)) return
      from.pause()
      to.once('drain', () => {
        if (this.#traffic !== 'frozen') from.resume()
      })
    })
    // A side that is done speaking still listens.
    from.on('end', () => to.end())
  }
}
