import type { Server as HttpServer } from 'node:http'
import type { Server as EngineServer } from 'engine.io'
import { Server } from 'socket.io'
import { mayConnect, type OriginPolicy } from '../core/access/origin.ts'
import { TokenBucket } from '../core/session/token-bucket.ts'
import { type RefusalReason, refuseHandshakes, upgradeWebsocketsOnly } from './engine-io/refusals.ts'

/** The settings of the Socket.IO server: where and how it listens, and whom it lets in. Milliseconds and bytes. */
export interface IoServerOptions {
  path: string
  transports: readonly ('polling' | 'websocket')[]
  pingInterval: number
  pingTimeout: number
  maxMessageBytes: number
  origin: OriginPolicy
  /** The most handshakes that are let in per second. */
  maxConnects: number
  /** Makes the ids of engine sessions; undefined: Engine.IO's own are used. */
  newEngineSessionId?: (() => string) | undefined
}

/** A Socket.IO server on an HTTP server, and the number of handshakes that it has refused, by reason. */
export interface IoServer {
  io: Server
  refused: Record<RefusalReason, number>
}

/** Builds the Socket.IO server. `isDraining` returns true while no new connection may begin. */
export function buildIoServer(
  server: HttpServer,
  options: IoServerOptions,
  isDraining: () => boolean,
): IoServer {
  const { path, origin } = options
  const refused: IoServer['refused'] = { rate: 0, draining: 0, origin: 0 }
  const io = new Server(server, {
    path,
    transports: [...options.transports],
    pingInterval: options.pingInterval,
    pingTimeout: options.pingTimeout,
    maxHttpBufferSize: options.maxMessageBytes,
    // Compression costs ten times the memory of a connection and three times the time of a delivery.
    perMessageDeflate: false,
    allowRequest: (request, decide) => {
      const allowed = mayConnect(request, origin)
      if (!allowed) refused.origin++
      decide(null, allowed)
    },
    // `true` answers with the origin that asked, which was let in by the same rule.
    cors: (request, decide) => decide(null, { origin: mayConnect(request, origin), credentials: true }),
  })
  const engine = io.engine as EngineServer
  if (options.newEngineSessionId !== undefined) engine.generateId = options.newEngineSessionId
  const accepted = new TokenBucket(options.maxConnects)
  refuseHandshakes(io.engine, (request) => {
    // Handshakes of foreign pages are refused for good later, and must not use up the rate.
    if (!mayConnect(request, origin)) return undefined
    const reason = isDraining() ? 'draining' : accepted.take() ? undefined : 'rate'
    if (reason !== undefined) refused[reason]++
    return reason
  })
  upgradeWebsocketsOnly(server, path)
  return { io, refused }
}
