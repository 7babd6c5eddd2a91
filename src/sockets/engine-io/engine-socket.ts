import type { IncomingMessage } from 'node:http'
import { Socket as NetSocket } from 'node:net'
import type { Server, Socket } from 'socket.io'

/** A session of Engine.IO: what Socket.IO calls the connection of its sockets. */
export type EngineSocket = Socket['conn']

/** What Engine.IO leaves on a request for those who look at it. */
export type EngineRequest = IncomingMessage & { _query: Readonly<Record<string, string | undefined>> }

/** All sessions by their ids, those without a CONNECT and those of an embedding program's namespaces included. */
export const engineSessionsOf = (engine: Server['engine']): Readonly<Record<string, EngineSocket>> =>
  (engine as unknown as { clients: Record<string, EngineSocket> }).clients

/** The private parts of `ws` and Engine.IO that are used. `shortWay` checks that they are what we think they are. */
interface OpenWebSocket {
  readyState: number
  _socket: NetSocket
  _sender: { _state: number; _queue: unknown[] }
}

const WEBSOCKET_OPEN = 1
const SENDER_IDLE = 0

/** Its websocket; undefined on another transport. */
export function websocketOf(conn: EngineSocket): OpenWebSocket | undefined {
  const { transport } = conn as unknown as { transport: { name: string; socket?: OpenWebSocket } }
  return transport.name === 'websocket' ? transport.socket : undefined
}

/** The network socket of an open websocket; undefined without one. */
export function netOf(conn: EngineSocket): NetSocket | undefined {
  const websocket = websocketOf(conn)
  if (conn.readyState !== 'open' || websocket?.readyState !== WEBSOCKET_OPEN) return undefined
  return websocket._socket instanceof NetSocket ? websocket._socket : undefined
}

/**
 * The same if nothing is queued before it; undefined if frames must go Engine.IO's way, also when a later version has other private
 * parts: delivery is then slower, not wrong.
 */
export function shortWay(conn: EngineSocket): NetSocket | undefined {
  if (conn.upgrading || writeBufferOf(conn).length > 0) return undefined
  const sender = websocketOf(conn)?._sender
  const isIdle = sender?._state === SENDER_IDLE && sender._queue?.length === 0
  if (!isIdle || (conn.transport as unknown as { perMessageDeflate?: unknown }).perMessageDeflate)
    return undefined
  return netOf(conn)
}

/** What Engine.IO has not given to a transport yet. */
function writeBufferOf(conn: EngineSocket): readonly unknown[] {
  return (conn as unknown as { writeBuffer?: unknown[] }).writeBuffer ?? UNKNOWN
}

/** Not empty: without the field nothing is known of the queue, and the short way stays closed. */
const UNKNOWN = [{}]

/** Ends the transport so that the client tries again; with `discard`, what waits is dropped instead of being sent first. */
export function endTransport(conn: EngineSocket, discard: boolean): void {
  const websocket = websocketOf(conn)
  conn.close(discard)
  // A peer that does not read would not answer the closing handshake either.
  if (discard) websocket?._socket?.destroy()
}

/** How long a client that has left may take to end its transport, in milliseconds. */
const PATIENCE = 1000

/** Ends a transport that nobody counts any more, unless the client does so itself: one that polls would be waited for. */
export function endSoon(conn: EngineSocket): void {
  if (conn.readyState !== 'open') return
  const timer = setTimeout(() => conn.close(true), PATIENCE).unref()
  conn.once('close', () => clearTimeout(timer))
}

/** Whether publications take the short way to this connection now; for the test that pins the private parts. */
export const takesShortWay = (conn: EngineSocket): boolean => shortWay(conn) !== undefined
