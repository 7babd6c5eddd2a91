import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Server, type Socket } from 'socket.io'
import { ServiceError } from '../core/errors.ts'
import { type EventOptions, handleEvents, leaveForbiddenRooms } from './events.ts'
import { authenticate, enter, type HandshakeOptions, type Session } from './handshake.ts'
import { mayConnect, type OriginPolicy } from './origin.ts'
import { type CloseReason, TabConnection } from './tab-connection.ts'

export interface SocketOptions extends HandshakeOptions, EventOptions {
  /** Of Socket.IO: where it listens, how, and how often it pings; milliseconds and bytes. */
  path: string
  transports: readonly ('polling' | 'websocket')[]
  pingInterval: number
  pingTimeout: number
  maxMessageBytes: number
  origin: OriginPolicy
  /** Bytes that may wait for one connection before it is closed. */
  maxBacklog: number
}

/** What the sockets have done and have at hand, for the metrics. */
export interface SocketCounts {
  connections: number
  closed: Record<CloseReason, number>
}

export interface Sockets {
  readonly io: Server
  readonly counts: SocketCounts
  /** Tells every tab that the server goes away, takes no new ones, and closes all of them spread over so many seconds. */
  drain(seconds: number): Promise<void>
  /** Ends what is left. */
  close(): void
}

/** How often expired tokens are looked for, in milliseconds. */
const EXPIRY_INTERVAL = 1000

/** Builds the Socket.IO side on an HTTP server that need not listen yet. */
export function buildSockets(server: HttpServer, options: SocketOptions): Sockets {
  const { hub, engine, policy } = options
  const connections = new Set<TabConnection>()
  const sessions = new WeakMap<Socket, Session>()
  const closed: SocketCounts['closed'] = { slow: 0, expired: 0, draining: 0, engine: 0, disconnected: 0 }
  let draining = false

  const io = new Server(server, {
    path: options.path,
    transports: [...options.transports],
    pingInterval: options.pingInterval,
    pingTimeout: options.pingTimeout,
    maxHttpBufferSize: options.maxMessageBytes,
    // Compression costs ten times the memory of a connection and three times the time of a delivery.
    perMessageDeflate: false,
    allowRequest: (request, decide) => decide(null, !draining && mayConnect(request, options.origin)),
    // `true` answers with the origin that asked, which was let in by the same rule.
    cors: (request, decide) =>
      decide(null, { origin: mayConnect(request, options.origin), credentials: true }),
  })

  // Only our websockets are handed to Engine.IO, which cuts what it does not know. A client that offers HTTP/2 (`Upgrade: h2c`, as Java's
  // does) is answered as if it had not: RFC 9110 §7.8 lets a server ignore the offer.
  Object.assign(server, {
    shouldUpgradeCallback: ({ url, headers }: IncomingMessage): boolean =>
      headers.upgrade?.toLowerCase() === 'websocket' &&
      (url?.startsWith(options.path.replace(/\/$/, '')) ?? false),
  })

  io.use((socket, next) => {
    void connect(socket).then(
      () => next(),
      (error) => {
        if (error instanceof ServiceError && !error.temporary) {
          // A stock client stops for good after this, so it is only said of what can't pass by itself.
          next(Object.assign(new Error(error.message), { data: { code: error.code, title: error.title } }))
          return
        }
        if (!(error instanceof ServiceError)) options.report(error)
        closed.engine++
        socket.conn.close()
        next()
      },
    )
  })

  const connect = async (socket: Socket): Promise<void> => {
    const claims = await authenticate(socket, options)
    const connection = new TabConnection(socket, claims, {
      maxBacklog: options.maxBacklog,
      onClose: (reason) => closed[reason]++,
    })
    const leave = (): void => {
      socket.conn.off('close', leave)
      connections.delete(connection)
      hub.close(connection)
      connection.closed()
    }
    hub.open(connection)
    socket.conn.once('close', leave)
    socket.once('disconnect', leave)
    try {
      sessions.set(socket, await enter(socket, connection, options))
    } catch (error) {
      leave()
      throw error
    }
    // It may have gone while the engine was asked.
    if (socket.conn.readyState === 'open') connections.add(connection)
    else leave()
  }

  io.on('connection', (socket) => {
    const session = sessions.get(socket)
    if (session === undefined) return
    sessions.delete(socket)
    handleEvents(socket, session.connection, options)
    start(session).catch((error) => {
      if (!(error instanceof ServiceError)) options.report(error)
      session.connection.close('engine')
    })
  })

  const start = async ({ connection, members, refused }: Session): Promise<void> => {
    for (const channel of refused) connection.sendUnsubscribed(channel, 'room_forbidden')
    for (const { member, cursor } of members) {
      if (cursor === undefined) await member.release(engine.broker, true)
      else await member.replay(engine.broker, cursor)
    }
  }

  const expiry = setInterval(() => {
    const now = Date.now() / 1000
    for (const connection of connections) {
      if (connection.claims !== undefined && connection.claims.expiresAt <= now) connection.close('expired')
      else if (connection.forgetExpiredRoomTokens(now))
        leaveForbiddenRooms(connection, hub, policy, 'token_expired')
    }
  }, EXPIRY_INTERVAL).unref()

  return {
    io,
    get counts() {
      return { connections: connections.size, closed }
    },
    async drain(seconds) {
      draining = true
      const leaving = [...connections]
      for (const connection of leaving) connection.emit('going-away', {})
      const begin = Date.now()
      for (const [index, connection] of leaving.entries()) {
        const due = begin + (seconds * 1000 * index) / leaving.length
        if (due > Date.now()) await delay(due - Date.now())
        connection.close('draining')
      }
      // Those that only use an embedding program's namespaces are told nothing, and try again like the others.
      const { clients } = io.engine as unknown as { clients: Record<string, Socket['conn']> }
      for (const conn of Object.values(clients)) conn.close()
    },
    close() {
      clearInterval(expiry)
      io.engine.close()
    },
  }
}
