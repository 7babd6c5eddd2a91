import type { IncomingMessage } from 'node:http'
import { Socket as NetSocket } from 'node:net'
import type { Server, Socket } from 'socket.io'

/** An engine session: what Socket.IO calls the `conn` of its sockets. */
export type EngineSocket = Socket['conn']

/** A request with the query that Engine.IO has parsed. */
export type EngineRequest = IncomingMessage & { _query: Readonly<Record<string, string | undefined>> }

/** All engine sessions by their ids, including those without a CONNECT and those of an embedding program's namespaces. */
export const engineSessionsOf = (engine: Server['engine']): Readonly<Record<string, EngineSocket>> =>
  (engine as unknown as { clients: Record<string, EngineSocket> }).clients

/** The private parts of `ws` that are used. `shortWay` checks that they are what we expect. */
interface OpenWebSocket {
  readyState: number
  _socket: NetSocket
  _sender: { _state: number; _queue: unknown[] }
}

/** The private parts of a transport of Engine.IO that are used. */
interface WebSocketTransport {
  name: string
  socket?: OpenWebSocket
  perMessageDeflate?: unknown
}

const WEBSOCKET_OPEN = 1
const SENDER_IDLE = 0

/** Returns the websocket of an engine session; undefined on another transport. */
export function websocketOf(conn: EngineSocket): OpenWebSocket | undefined {
  const { name, socket } = conn.transport as unknown as WebSocketTransport
  return name === 'websocket' ? socket : undefined
}

/** Returns the network socket of an open websocket; undefined without one. */
export function netOf(conn: EngineSocket): NetSocket | undefined {
  const websocket = websocketOf(conn)
  if (conn.readyState !== 'open' || websocket?.readyState !== WEBSOCKET_OPEN) return undefined
  return websocket._socket instanceof NetSocket ? websocket._socket : undefined
}

/**
 * Returns that socket if nothing is queued before it; undefined if frames must go Engine.IO's way. That also holds if a later version has
 * other private parts: delivery is then slower, not wrong.
 */
export function shortWay(conn: EngineSocket): NetSocket | undefined {
  if (conn.upgrading || writeBufferOf(conn).length > 0 || conn.readyState !== 'open') return undefined
  const { name, socket, perMessageDeflate } = conn.transport as unknown as WebSocketTransport
  if (name !== 'websocket' || perMessageDeflate || socket?.readyState !== WEBSOCKET_OPEN) return undefined
  const { _sender: sender, _socket: net } = socket
  const isIdle = sender?._state === SENDER_IDLE && sender._queue?.length === 0
  return isIdle && net instanceof NetSocket ? net : undefined
}

/** The packets that Engine.IO has not given to a transport yet. */
function writeBufferOf(conn: EngineSocket): readonly unknown[] {
  return (conn as unknown as { writeBuffer?: unknown[] }).writeBuffer ?? UNKNOWN
}

/** A queue that is not empty: without the field nothing is known, and the short way must stay closed. */
const UNKNOWN = [{}]

/** Ends the transport so that the client connects again; with `discard`, what waits is dropped instead of being sent first. */
export function endTransport(conn: EngineSocket, discard: boolean): void {
  const websocket = websocketOf(conn)
  conn.close(discard)
  // A peer that does not read would not answer the closing handshake either.
  if (discard) websocket?._socket?.destroy()
}

/** The longest that a client that has left may take to end its transport, in milliseconds. */
const PATIENCE = 1000

/** Ends a transport that is no longer counted, unless the client does so soon: a drain would wait for one that polls. */
export function endSoon(conn: EngineSocket): void {
  if (conn.readyState !== 'open') return
  const timer = setTimeout(() => conn.close(true), PATIENCE).unref()
  conn.once('close', () => clearTimeout(timer))
}

/** True if publications take the short way to this connection now; for the test that pins the private parts. */
export const takesShortWay = (conn: EngineSocket): boolean => shortWay(conn) !== undefined
