import type { Socket as NetSocket } from 'node:net'
import type { Publication } from '../../core/model/publication.ts'
import type { Backlog } from './backlog.ts'
import { type EngineSocket, endTransport, netOf, shortWay } from './engine-socket.ts'
import { frameOf, packetOf } from './frame.ts'

const NOTHING = Buffer.alloc(0)

/**
 * One connection's way out. An open websocket with nothing queued before it gets finished frames directly; everything else (polling,
 * an upgrade under way, a backlog) goes Engine.IO's own way.
 */
export class Wire {
  readonly #conn: EngineSocket
  readonly #backlog: Backlog
  readonly #waiting: (() => void)[] = []
  #corked = false

  constructor(conn: EngineSocket, backlog: Backlog) {
    this.#conn = conn
    this.#backlog = backlog
  }

  /** Sends a publication. What is closed swallows it. */
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

  /** Resolves when everything so far has left the process, or the connection has closed. */
  async drained(): Promise<void> {
    // Engine.IO hands over all that it has queued at once.
    if (this.#conn.readyState === 'open' && this.#backlog.queued > 0)
      await new Promise<void>((resolve) => {
        if (this.#waiting.push(resolve) === 1) this.#conn.once('drain', () => this.resolveDrained())
      })
    const net = netOf(this.#conn)
    if (net !== undefined) await new Promise<void>((resolve) => net.write(NOTHING, () => resolve()))
  }

  /** Ends the waiting of `drained` for what is queued: it was handed over, or the connection has closed and nothing will be. */
  resolveDrained(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Ends the transport so that the client tries again; with `discard`, what waits is dropped instead of being sent first. */
  close(discard: boolean): void {
    endTransport(this.#conn, discard)
  }

  /** A burst to one tab becomes one write. */
  #cork(net: NetSocket): void {
    if (this.#corked) return
    this.#corked = true
    net.cork()
    process.nextTick(() => {
      this.#corked = false
      net.uncork()
    })
  }
}
