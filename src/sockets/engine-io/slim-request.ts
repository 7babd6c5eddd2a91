import { IncomingMessage } from 'node:http'
import { Socket as NetSocket } from 'node:net'
import type { Socket } from 'socket.io'
import type { EngineRequest } from './engine-socket.ts'

type Handshake = Socket['handshake']

/** The fields that Node gives every request, and those in which Engine.IO keeps what it needs only to begin. Others are a middleware's. */
const TRANSIENT: ReadonlySet<string> = new Set([
  ...Object.keys(new IncomingMessage(new NetSocket())),
  ...['websocket', 'res'],
])

/**
 * The request by which an engine session began, as it is kept: its line, its headers, its network socket, and what middlewares have added. The
 * stream that it was, with all that Node keeps for it, is most of the memory of a request.
 */
class SlimRequest {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly socket: NetSocket
  /** As text until somebody asks for them: a page sends a dozen, and hardly anybody does. */
  #headers: string | IncomingMessage['headers']

  constructor(request: IncomingMessage) {
    this.method = request.method
    this.url = request.url
    this.socket = request.socket
    this.#headers = JSON.stringify(request.headers)
    keepAdded(request, this)
  }

  get headers(): IncomingMessage['headers'] {
    if (typeof this.#headers === 'string') this.#headers = JSON.parse(this.#headers)
    return this.#headers as IncomingMessage['headers']
  }

  /** The network socket, by the name that Socket.IO asks for. */
  get connection(): NetSocket {
    return this.socket
  }
}

/** The handshake of a Socket.IO connection, with all its fields; its headers are those of the request, and not kept twice. */
class SlimHandshake {
  readonly time: string
  readonly address: string
  readonly xdomain: boolean
  readonly secure: boolean
  readonly issued: number
  readonly url: string
  readonly query: Handshake['query']
  readonly auth: Handshake['auth']
  readonly #request: SlimRequest

  constructor(handshake: Handshake, request: SlimRequest) {
    this.time = handshake.time
    this.address = handshake.address
    this.xdomain = handshake.xdomain
    this.secure = handshake.secure
    this.issued = handshake.issued
    this.url = handshake.url
    this.query = handshake.query
    this.auth = handshake.auth
    this.#request = request
    for (const key of Object.keys(handshake))
      if (key !== 'headers' && !Object.hasOwn(this, key))
        Object.assign(this, { [key]: (handshake as unknown as Record<string, unknown>)[key] })
  }

  get headers(): IncomingMessage['headers'] {
    return this.#request.headers
  }

  /** With the headers, which are no field of their own, for adapters that pass handshakes to other processes. */
  toJSON(): Handshake {
    return { ...this, headers: this.headers }
  }
}

/** Slims the request and the handshake of a connection that has been let in. Both keep what Socket.IO documents. */
export function slimRequest(socket: Socket): void {
  const { conn } = socket
  const request: unknown = conn.request
  if (!(request instanceof IncomingMessage)) return
  const slim = new SlimRequest(request)
  Object.assign(conn, { request: slim })
  Object.assign(socket, { handshake: new SlimHandshake(socket.handshake, slim) })
}

/** Copies the fields that middlewares have added, and the query that Engine.IO has parsed. */
function keepAdded(request: IncomingMessage, slim: SlimRequest): void {
  for (const key of Object.keys(request))
    if (!TRANSIENT.has(key))
      Object.assign(slim, { [key]: (request as unknown as EngineRequest & Record<string, unknown>)[key] })
}
