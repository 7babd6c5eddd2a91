import type { Server } from 'socket.io'
import { type EngineRequest, type EngineSocket, websocketOf } from './engine-socket.ts'

/** How many CONNECTs may be refused on one transport before it is closed: a page has few namespaces, and none of its tries is in vain. */
export const MAX_REFUSED = 10

/** How a CONNECT_ERROR begins (Socket.IO's protocol, version 5). */
const CONNECT_ERROR = '4'

/** What Engine.IO tells of a packet that it is about to queue. */
interface Packet {
  data?: string | Buffer
}

/** The bytes that wait in this process for one engine session to read them, whoever sent them. */
export class Backlog {
  readonly #conn: EngineSocket
  readonly #most: number
  #queued = 0

  /** `most`: how many may wait; `onExcess` is called when something is to be sent beyond them. */
  constructor(conn: EngineSocket, most: number, onExcess: () => void) {
    this.#conn = conn
    this.#most = most
    conn.on('packetCreate', ({ data }: Packet) => {
      if (this.isExceeded) onExcess()
      if (data !== undefined) this.#queued += Buffer.byteLength(data)
    })
    conn.on('flush', () => {
      this.#queued = 0
    })
  }

  /** Those that have not been given to a transport. */
  get queued(): number {
    return this.#queued
  }

  get bytes(): number {
    return this.#queued + (websocketOf(this.#conn)?._socket?.writableLength ?? 0)
  }

  get isExceeded(): boolean {
    return this.bytes > this.#most
  }
}

/** The backlogs of all engine sessions: before their CONNECT, and those of an embedding program's namespaces, too. */
export class Backlogs {
  readonly #backlogs = new WeakMap<EngineSocket, Backlog>()
  readonly #most: number
  readonly #end: (conn: EngineSocket) => void

  /** `end` is called with an engine session that has more waiting than `most` bytes. */
  constructor(most: number, end: (conn: EngineSocket) => void) {
    this.#most = most
    this.#end = end
  }

  /** Counts what waits for the engine sessions that begin from now on. */
  mind(engine: Server['engine']): void {
    engine.on('connection', (conn: EngineSocket) => {
      this.#backlogs.set(conn, new Backlog(conn, this.#most, () => this.#end(conn)))
      endAfterRefusals(conn)
    })
    engine.on('headers', (_headers: object, request: EngineRequest) => boundFrames(request, this.#most))
  }

  /** What waits for a session. */
  of(conn: EngineSocket): Backlog {
    return this.#backlogs.get(conn)!
  }
}

/** Checking tokens costs more than sending them: who is refused again and again begins anew, which has a rate. */
function endAfterRefusals(conn: EngineSocket): void {
  let refused = 0
  conn.on('packetCreate', ({ data }: Packet) => {
    if (typeof data !== 'string' || !data.startsWith(CONNECT_ERROR)) return
    // The answer goes out first.
    if (++refused === MAX_REFUSED) process.nextTick(() => conn.close())
  })
}

/**
 * What `ws` and Engine.IO answer by themselves, such as pings, is no packet: it is looked at when more comes in. Twice as much, so that who
 * is slow is told by what waits for it.
 */
function boundFrames({ _query, socket }: EngineRequest, most: number): void {
  if (_query.transport !== 'websocket') return
  // Not before `ws` listens: a listener lets flow what came along with the request.
  process.nextTick(() => {
    socket.on('data', () => {
      if (socket.writableLength > 2 * most) socket.destroy()
    })
  })
}
