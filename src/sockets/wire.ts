import { Socket as NetSocket } from 'node:net'
import type { Socket } from 'socket.io'
import type { Publication } from '../core/publication.ts'
import { frameOf, packetOf } from './frame.ts'

type EngineSocket = Socket['conn']

/** The private parts of `ws` and Engine.IO that the short way uses. `isShortWayOpen` checks that they are what we think they are. */
interface OpenWebSocket {
  readyState: number
  _socket: NetSocket
  _sender: { _state: number; _queue: unknown[] }
}

const WEBSOCKET_OPEN = 1
const SENDER_IDLE = 0
const NOTHING = Buffer.alloc(0)

/**
 * One connection's way out. An open websocket with nothing queued before it gets finished frames directly; everything else (polling,
 * an upgrade under way, a backlog) goes Engine.IO's own way. Both count the bytes that have not left the process.
 */
export class Wire {
  readonly #conn: EngineSocket
  /** Packets of ours that were given to Engine.IO and have not left it. */
  #queued = 0
  readonly #waiting: (() => void)[] = []
  #corked = false

  constructor(conn: EngineSocket) {
    this.#conn = conn
  }

  /** Bytes that wait in this process for the other side to read. */
  get backlog(): number {
    let bytes = websocketOf(this.#conn)?._socket?.writableLength ?? 0
    // Acknowledgements wait there too, which Socket.IO writes without us.
    for (const { data } of writeBufferOf(this.#conn)) bytes += data?.length ?? 0
    return bytes
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
    this.#queued++
    this.#conn.send(packet, { compress: false }, () => {
      this.#queued--
      if (this.#queued === 0) this.settle()
    })
  }

  /** Resolves when everything so far has left the process, or the connection has closed. */
  drained(): Promise<void> {
    if (this.#conn.readyState !== 'open') return Promise.resolve()
    const net = shortWay(this.#conn)
    if (net !== undefined) return new Promise((resolve) => net.write(NOTHING, () => resolve()))
    if (this.#queued === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Ends the waiting of `drained`: everything is sent, or the connection has closed and nothing will be. */
  settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Ends the transport so that the client tries again; with `discard`, what waits is dropped instead of being sent first. */
  close(discard: boolean): void {
    const websocket = websocketOf(this.#conn)
    this.#conn.close(discard)
    // A peer that does not read would not answer the closing handshake either.
    if (discard) websocket?._socket?.destroy()
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

/** The network socket of an open websocket before which nothing is queued; undefined if frames must go Engine.IO's way. */
function shortWay(conn: EngineSocket): NetSocket | undefined {
  if (conn.readyState !== 'open' || conn.upgrading) return undefined
  const websocket = websocketOf(conn)
  if (websocket === undefined || !isShortWayOpen(conn, websocket)) return undefined
  return websocket._socket
}

function websocketOf(conn: EngineSocket): OpenWebSocket | undefined {
  const { transport } = conn as unknown as { transport: { name: string; socket?: OpenWebSocket } }
  return transport.name === 'websocket' ? transport.socket : undefined
}

/** What Engine.IO has not given to a transport yet; text nearly always, so that its length is about its bytes. */
function writeBufferOf(conn: EngineSocket): readonly { data?: string | Buffer }[] {
  return (conn as unknown as { writeBuffer?: { data?: string | Buffer }[] }).writeBuffer ?? UNKNOWN
}

/** Not empty: without the field nothing is known of the queue, and the short way stays closed. */
const UNKNOWN = [{}]

/** False as well when a later version has other private parts: delivery is then slower, not wrong. */
function isShortWayOpen(conn: EngineSocket, websocket: OpenWebSocket): boolean {
  return (
    writeBufferOf(conn).length === 0 &&
    websocket.readyState === WEBSOCKET_OPEN &&
    websocket._sender?._state === SENDER_IDLE &&
    websocket._sender._queue?.length === 0 &&
    websocket._socket instanceof NetSocket &&
    !(conn.transport as unknown as { perMessageDeflate?: unknown }).perMessageDeflate
  )
}

/** Whether publications take the short way to this connection now; for the test that pins the private parts. */
export const takesShortWay = (conn: EngineSocket): boolean => shortWay(conn) !== undefined
