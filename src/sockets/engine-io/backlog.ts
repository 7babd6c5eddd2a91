import type { Socket as NetSocket } from 'node:net'
import type { Server } from 'socket.io'
import { type EngineRequest, type EngineSocket, websocketOf } from './engine-socket.ts'

/** The CONNECTs that may be refused on one transport before it is closed: a page connects to few namespaces, and stops after a refusal. */
export const MAX_REFUSED = 10

/** The beginning of a CONNECT_ERROR (Socket.IO's protocol, version 5). */
const CONNECT_ERROR = '4'

/** The packet that Engine.IO is about to queue, as its event `packetCreate` has it. */
interface Packet {
  data?: string | Buffer
}

/** Where an engine session has its backlog: with ten thousand of them, a property costs the collector much less than a `WeakMap`. */
const BACKLOG = Symbol('backlog')

type Counted = EngineSocket & { [BACKLOG]: Backlog }

/** The bytes that wait in this process until one engine session reads them, whoever sent them. */
export class Backlog {
  readonly #conn: EngineSocket
  readonly #most: number
  #queued = 0
  #refused = 0

  /** `most`: the bytes that may wait. */
  constructor(conn: EngineSocket, most: number) {
    this.#conn = conn
    this.#most = most
  }

  /** The bytes that have not been given to a transport yet. */
  get queued(): number {
    return this.#queued
  }

  /** All bytes that wait: in Engine.IO's queue, and in the network socket of a websocket. */
  get bytes(): number {
    return this.#queued + (websocketOf(this.#conn)?._socket?.writableLength ?? 0)
  }

  /** True if more waits than may. */
  get isExceeded(): boolean {
    return this.bytes > this.#most
  }

  /** Counts what Engine.IO is about to queue. */
  add(data: string | Buffer): void {
    this.#queued += Buffer.byteLength(data)
    // Checking tokens costs more than sending them, and handshakes are limited by a rate. The answer goes out first.
    if (typeof data === 'string' && data.startsWith(CONNECT_ERROR) && ++this.#refused === MAX_REFUSED)
      process.nextTick(() => this.#conn.close())
  }

  /** Notes that the queue has been given to a transport. */
  flushed(): void {
    this.#queued = 0
  }
}

/** The backlogs of all engine sessions, also before their CONNECT, and of those of an embedding program's namespaces. */
export class Backlogs {
  readonly #most: number
  readonly #end: (conn: EngineSocket) => void

  /** `end` is called with an engine session that has more waiting than `most` bytes. */
  constructor(most: number, end: (conn: EngineSocket) => void) {
    this.#most = most
    this.#end = end
  }

  /** Counts what waits for the engine sessions that begin from now on. */
  mind(engine: Server['engine']): void {
    const end = this.#end
    // The same functions for all engine sessions.
    function count(this: Counted, { data }: Packet): void {
      if (this[BACKLOG].isExceeded) end(this)
      if (data !== undefined) this[BACKLOG].add(data)
    }
    function flushed(this: Counted): void {
      this[BACKLOG].flushed()
    }
    engine.on('connection', (conn: Counted) => {
      conn[BACKLOG] = new Backlog(conn, this.#most)
      conn.on('packetCreate', count)
      conn.on('flush', flushed)
    })
    boundFrames(engine, this.#most)
  }

  /** Returns the backlog of an engine session. */
  of(conn: EngineSocket): Backlog {
    return (conn as Counted)[BACKLOG]
  }
}

/**
 * Ends connections that do not read what `ws` and Engine.IO answer by themselves, such as pongs: those are no packets, so they are looked at
 * when more comes in. The limit is twice as high, so that a tab that is merely slow is ended by its backlog, with that reason.
 */
function boundFrames(engine: Server['engine'], most: number): void {
  function endIfExceeded(this: NetSocket): void {
    if (this.writableLength > 2 * most) this.destroy()
  }
  const listen = (socket: NetSocket): void => void socket.on('data', endIfExceeded)
  engine.on('headers', (_headers: object, { _query, socket }: EngineRequest) => {
    // Not before `ws` listens: a listener would let bytes that came along with the request flow past it.
    if (_query.transport === 'websocket') process.nextTick(listen, socket)
  })
}
