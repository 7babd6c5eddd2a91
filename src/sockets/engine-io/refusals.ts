import { type Server as HttpServer, type IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'socket.io'
import type { EngineRequest } from './engine-socket.ts'

/** The reason why a handshake was refused, for the metrics. */
export type RefusalReason = 'rate' | 'draining' | 'origin'

/** Seconds before another try. Stock clients ignore it and have a backoff of their own. */
const RETRY_AFTER = '1'

/**
 * Answers 503 to handshakes for which `reasonFor` returns a reason, before Engine.IO makes an engine session of them: every stock client
 * tries again. Requests of engine sessions that exist (polls, posts, an upgrade) pass.
 */
export function refuseHandshakes(
  engine: Server['engine'],
  reasonFor: (request: IncomingMessage) => RefusalReason | undefined,
): void {
  engine.use((request: EngineRequest, response: ServerResponse, next: () => void) => {
    // An empty `sid` is none to Engine.IO either.
    const reason = request._query.sid ? undefined : reasonFor(request)
    if (reason === undefined) next()
    else if (response instanceof ServerResponse) refusePolling(response, reason)
    else refuseWebsocket(request, reason)
  })
}

function refusePolling(response: ServerResponse, reason: RefusalReason): void {
  // On a new connection the next try may be led to another process.
  response.writeHead(503, {
    'retry-after': RETRY_AFTER,
    connection: 'close',
    'content-type': 'text/plain',
    'cache-control': 'no-store',
  })
  response.end(reason)
}

/** An upgrade comes without a response object, so the answer is written by hand (RFC 9112). */
function refuseWebsocket({ socket }: IncomingMessage, reason: RefusalReason): void {
  // A client that has gone needs no answer.
  socket.on('error', () => undefined)
  socket.write(
    `HTTP/1.1 503 Service Unavailable\r\nRetry-After: ${RETRY_AFTER}\r\nConnection: close\r\n` +
      `Content-Type: text/plain\r\nContent-Length: ${reason.length}\r\n\r\n${reason}`,
  )
  socket.destroySoon()
}

/**
 * Hands only websockets below `path`, which ends with a slash, to Engine.IO, by its own rule: it leaves any other upgrade without a listener
 * for errors for a second, and then cuts it. A client that offers HTTP/2 (`Upgrade: h2c`, as Java's does) is answered as if it had not: RFC
 * 9110 §7.8 lets a server ignore the offer.
 */
export function upgradeWebsocketsOnly(server: HttpServer, path: string): void {
  Object.assign(server, {
    shouldUpgradeCallback: ({ url, headers }: IncomingMessage): boolean =>
      headers.upgrade?.toLowerCase() === 'websocket' && (url?.startsWith(path) ?? false),
  })
}
