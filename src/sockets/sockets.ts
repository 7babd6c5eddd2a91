import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Server as EngineServer } from 'engine.io'
import { Server, type Socket } from 'socket.io'
import { ServiceError } from '../core/model/errors.ts'
import { leaveForbiddenRooms } from '../core/session/grants.ts'
import { MembershipFollower } from '../core/session/membership-follower.ts'
import { TokenBucket } from '../core/session/token-bucket.ts'
import { UserLimit } from '../core/session/user-limit.ts'
import { Backlogs } from './engine-io/backlog.ts'
import { closeSpread } from './engine-io/drain.ts'
import { endSoon, endTransport } from './engine-io/engine-socket.ts'
import { mindPolls } from './engine-io/polls.ts'
import { type RefusalReason, refuseHandshakes, upgradeWebsocketsOnly } from './engine-io/refusals.ts'
import { type EventOptions, handleEvents } from './events.ts'
import { authenticate, enter, type HandshakeOptions, type Session } from './handshake.ts'
import { mayConnect, type OriginPolicy } from './origin.ts'
import { CLOSE_REASONS, type CloseReason, TabConnection } from './tab-connection.ts'

export interface SocketOptions extends HandshakeOptions, EventOptions {
  /** Of Socket.IO: where it listens, how, and how often it pings; milliseconds and bytes. */
  path: string
  transports: readonly ('polling' | 'websocket')[]
  pingInterval: number
  pingTimeout: number
  maxMessageBytes: number
  origin: OriginPolicy
  /** How many handshakes a second are let in. */
  maxConnects: number
  /** How many connections of one user are let in. */
  maxPerUser: number
  /** Makes the ids of Engine.IO's sessions, where others than itself are wanted. */
  newEngineSessionId?: (() => string) | undefined
}

/** Answers requests and upgrades of Engine.IO. */
export interface SessionHandler {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** What the sockets have done and have at hand, for the metrics. */
export interface SocketCounts {
  connections: number
  closed: Record<CloseReason, number>
  refused: Record<RefusalReason, number>
}

export interface Sockets {
  readonly io: Server
  readonly counts: SocketCounts
  /** What answers requests below the path, wherever they came in. */
  readonly handler: SessionHandler
  /**
   * Tells every tab that the server goes away, takes no new ones, and closes all of them spread over this many seconds; what was sent before
   * goes out first. Resolves when they have gone, a little later for those that do not read.
   */
  drain(seconds: number): Promise<void>
  /** Ends what is left. */
  close(): void
}

/** How often expired tokens are looked for, in milliseconds. */
const EXPIRY_INTERVAL = 1000

/** Builds the Socket.IO side on an HTTP server that need not listen yet. */
export function buildSockets(server: HttpServer, options: SocketOptions): Sockets {
  const { hub, policy } = options
  const connections = new Map<Socket['conn'], TabConnection>()
  /** Transports on which a CONNECT was begun or answered; Socket.IO itself minds a second one only after the answer. */
  const taken = new WeakSet<Socket['conn']>()
  const sessions = new WeakMap<Socket, Session>()
  const closed = Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as SocketCounts['closed']
  const refused: SocketCounts['refused'] = { rate: 0, draining: 0, origin: 0 }
  const accepted = new TokenBucket(options.maxConnects)
  const users = new UserLimit(options.maxPerUser)
  let draining = false

  const io = new Server(server, {
    path: options.path,
    transports: [...options.transports],
    pingInterval: options.pingInterval,
    pingTimeout: options.pingTimeout,
    maxHttpBufferSize: options.maxMessageBytes,
    // Compression costs ten times the memory of a connection and three times the time of a delivery.
    perMessageDeflate: false,
    allowRequest: (request, decide) => {
      const allowed = mayConnect(request, options.origin)
      if (!allowed) refused.origin++
      decide(null, allowed)
    },
    // `true` answers with the origin that asked, which was let in by the same rule.
    cors: (request, decide) =>
      decide(null, { origin: mayConnect(request, options.origin), credentials: true }),
  })

  const engine = io.engine as EngineServer
  const endSlow = (conn: Socket['conn']): void => end(conn, 'slow')
  const backlogs = new Backlogs(io.engine, options.maxBacklog, endSlow)
  mindPolls(io.engine, options.pingInterval + options.pingTimeout, endSlow)
  if (options.newEngineSessionId !== undefined) engine.generateId = options.newEngineSessionId

  refuseHandshakes(io.engine, (request) => {
    // Those of foreign pages are refused for good later, and take nobody's place.
    if (!mayConnect(request, options.origin)) return undefined
    const reason = draining ? 'draining' : accepted.take() ? undefined : 'rate'
    if (reason !== undefined) refused[reason]++
    return reason
  })

  upgradeWebsocketsOnly(server, options.path)

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
    // Each would hear as its own user, and only one be counted and watched; one after the other, each would have rates of its own.
    if (taken.has(socket.conn)) return socket.conn.close()
    taken.add(socket.conn)
    try {
      await admit(socket)
    } catch (error) {
      taken.delete(socket.conn)
      throw error
    }
  }

  const admit = async (socket: Socket): Promise<void> => {
    const claims = await authenticate(socket, options)
    let leave = (): void => undefined
    const connection = new TabConnection(socket, claims, {
      backlog: backlogs.of(socket.conn),
      onClose: (reason) => {
        closed[reason]++
        // What comes from now on would not reach the tab any more, so it is no longer counted as here.
        leave()
      },
      onMembership: (control) => follower.handle(control),
      onLoss: () => follower.reload(),
    })
    const follower = new MembershipFollower(connection, options)
    // Both pass by themselves, so the transport is closed and the CONNECT is left without an answer.
    if (draining) return connection.close('draining')
    if (claims !== undefined && !users.enter(claims.user)) return connection.close('user_limit')
    const onGone = (): void => leave()
    leave = () => {
      leave = () => undefined
      socket.conn.off('close', onGone)
      if (claims !== undefined) users.leave(claims.user)
      connections.delete(socket.conn)
      hub.close(connection)
      connection.closed()
    }
    hub.open(connection)
    socket.conn.once('close', onGone)
    socket.once('disconnect', () => {
      leave()
      endSoon(socket.conn)
    })
    try {
      sessions.set(socket, await enter(socket, connection, follower, options))
    } catch (error) {
      leave()
      throw error
    }
    // It may have gone while the engine was asked.
    if (socket.conn.readyState === 'open') connections.set(socket.conn, connection)
    else leave()
  }

  io.on('connection', (socket) => {
    const session = sessions.get(socket)
    if (session === undefined) return
    sessions.delete(socket)
    if (draining) session.connection.emit('going-away', {})
    handleEvents(socket, session.connection, options)
    start(session).catch((error) => {
      if (!(error instanceof ServiceError)) options.report(error)
      session.connection.close('engine')
    })
  })

  const start = async ({ connection, subscriptions, refused, follower }: Session): Promise<void> => {
    follower.open()
    for (const channel of refused) connection.sendUnsubscribed(channel, 'room_forbidden')
    for (const { subscription, cursor } of subscriptions) {
      if (cursor === undefined) await subscription.release(true)
      else await connection.replay(() => subscription.replay(cursor))
    }
  }

  /** Ends a transport; of an embedding program's namespaces as well, and before its CONNECT. */
  const end = (conn: Socket['conn'], reason: CloseReason): void => {
    const connection = connections.get(conn)
    if (connection !== undefined) connection.close(reason)
    else if (conn.readyState === 'open') {
      closed[reason]++
      endTransport(conn, reason === 'slow')
    }
  }

  const expiry = setInterval(() => {
    const now = Date.now() / 1000
    for (const connection of connections.values()) {
      if (connection.claims !== undefined && connection.claims.expiresAt <= now) connection.close('expired')
      else if (connection.forgetExpiredRoomTokens(now))
        leaveForbiddenRooms(connection, hub, policy, 'token_expired')
    }
  }, EXPIRY_INTERVAL).unref()

  return {
    io,
    handler: {
      request: (request, response) => engine.handleRequest(request, response),
      upgrade: (request, socket, head) => engine.handleUpgrade(request, socket, head),
    },
    get counts() {
      return { connections: connections.size, closed, refused }
    },
    async drain(seconds) {
      draining = true
      for (const connection of connections.values()) connection.emit('going-away', {})
      await closeSpread(io.engine, seconds, (conn) => end(conn, 'draining'))
    },
    close() {
      clearInterval(expiry)
      io.engine.close()
    },
  }
}
