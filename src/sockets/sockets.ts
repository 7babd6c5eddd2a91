import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Server as EngineServer } from 'engine.io'
import type { Server, Socket } from 'socket.io'
import { AckGroup } from '../core/delivery/ack-group.ts'
import { isFault } from '../core/lifecycle/faults.ts'
import type { CloseReason } from '../core/session/tab-session.ts'
import { closeSpread } from './engine-io/drain.ts'
import type { RefusalReason } from './engine-io/refusals.ts'
import { type EventOptions, handleEvents } from './events/events.ts'
import { buildIoServer, type IoServerOptions } from './io-server.ts'
import { type Admitted, Tabs, type TabsOptions } from './tabs.ts'

/** The parts and limits of the Socket.IO side. */
export interface SocketOptions extends IoServerOptions, TabsOptions, EventOptions {
  engine: TabsOptions['engine'] & EventOptions['engine']
}

/** The handler of requests and upgrades of Engine.IO. */
export interface EngineHandler {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** The figures of the sockets, for the metrics. */
export interface SocketCounts {
  /** The connections that are there now. */
  connections: number
  /** The connections that the server has ended, by reason. */
  closed: Record<CloseReason, number>
  /** The handshakes that it has refused, by reason. */
  refused: Record<RefusalReason, number>
}

/** The Socket.IO side of a running Tabcast. */
export interface Sockets {
  readonly io: Server
  readonly counts: SocketCounts
  /** Handles requests below the path, wherever they came in. */
  readonly handler: EngineHandler
  /**
   * Announces to every tab that the server goes away, takes no new ones, and closes all of them spread over this many seconds; what was sent
   * before goes out first. Resolves when they have gone, or a little later if some do not read.
   */
  drain(seconds: number): Promise<void>
  /** Ends the connections that are left. */
  close(): void
}

/** Milliseconds between two looks for expired tokens. */
const EXPIRY_INTERVAL = 1000

/** Builds the Socket.IO side on an HTTP server that need not listen yet. */
export function buildSockets(server: HttpServer, options: SocketOptions): Sockets {
  const tabs = new Tabs(options)
  const acks = new AckGroup((several) => options.inboxes.acknowledgeAll(several), options.report)
  const eventOptions = { ...options, acks }
  const { io, refused } = buildIoServer(server, options, () => tabs.draining)
  const engine = io.engine as EngineServer
  tabs.mind(io.engine)
  io.use(tabs.connect)
  io.on('connection', (socket) => {
    const admitted = tabs.take(socket)
    if (admitted !== undefined) begin(socket, admitted, eventOptions)
  })
  const expiry = setInterval(() => tabs.expire(Date.now() / 1000), EXPIRY_INTERVAL).unref()

  return {
    io,
    handler: {
      request: (request, response) => engine.handleRequest(request, response),
      upgrade: (request, socket, head) => engine.handleUpgrade(request, socket, head),
    },
    get counts() {
      return { connections: tabs.size, closed: tabs.closed, refused }
    },
    async drain(seconds) {
      tabs.drain()
      await acks.drain()
      await closeSpread(io.engine, seconds, (conn) => tabs.end(conn, 'draining'))
      // Those that came in the meantime.
      await acks.drain()
    },
    close() {
      clearInterval(expiry)
      io.engine.close()
    },
  }
}

/** Lets a tab whose CONNECT has been answered speak and hear. */
function begin(
  socket: Socket,
  { tab, entrance }: Admitted,
  options: SocketOptions & { acks: AckGroup },
): void {
  handleEvents(socket, tab, options)
  entrance.open().catch((error: unknown) => {
    if (isFault(error)) options.report(error)
    tab.close('engine')
  })
}
