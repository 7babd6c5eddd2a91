import type { Socket as NetSocket } from 'node:net'
import type { Publication } from '../../core/model/publication.ts'
import type { Backlog } from './backlog.ts'
import { type EngineSocket, endTransport, netOf, shortWay } from './engine-socket.ts'
import { frameOf, packetOf } from './frame.ts'

const NOTHING = Buffer.alloc(0)

/** The network sockets that hold back the frames of this turn of the event loop, so that a burst to one tab becomes one write. */
let corked: NetSocket[] = []

/** The number of the turn, of those in which something was sent. */
let turn = 1

function uncork(): void {
  const sockets = corked
  corked = []
  turn++
  for (const net of sockets) net.uncork()
}

/**
 * The way out of one connection. An open websocket with nothing queued before it gets finished frames directly; everything else (polling,
 * an upgrade under way, a backlog) goes Engine.IO's own way.
 */
export class Wire {
  readonly #conn: EngineSocket
  readonly #backlog: Backlog
  readonly #waiting: (() => void)[] = []
  /** The turn in which it was corked last. */
  #corkedIn = 0

  constructor(conn: EngineSocket, backlog: Backlog) {
    this.#conn = conn
    this.#backlog = backlog
  }

  /** Sends a publication; on a closed connection it does nothing. */
  send(publication: Publication): void {
    const net = shortWay(this.#conn)
    if (net === undefined) {
      this.sendPacket(packetOf(publication))
      return
    }
    this.#cork(net)
    net.write(frameOf(publication))
  }

  /** Sends a Socket.IO packet as text. */
  sendPacket(packet: string): void {
    this.#conn.send(packet, { compress: false })
  }

  /** Resolves when everything sent so far has left the process, or the connection has closed. */
  async drained(): Promise<void> {
    // Engine.IO hands its whole queue over at once.
    if (this.#conn.readyState === 'open' && this.#backlog.queued > 0)
      await new Promise<void>((resolve) => {
        if (this.#waiting.push(resolve) === 1) this.#conn.once('drain', () => this.resolveDrained())
      })
    const net = netOf(this.#conn)
    if (net !== undefined) await new Promise<void>((resolve) => net.write(NOTHING, () => resolve()))
  }

  /** Ends the waiting of `drained` for the queue: it was handed over, or the connection has closed. */
  resolveDrained(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Ends the transport so that the client connects again; with `discard`, what waits is dropped instead of being sent first. */
  close(discard: boolean): void {
    endTransport(this.#conn, discard)
  }

  #cork(net: NetSocket): void {
    if (this.#corkedIn === turn) return
    this.#corkedIn = turn
    net.cork()
    if (corked.push(net) === 1) process.nextTick(uncork)
  }
}
