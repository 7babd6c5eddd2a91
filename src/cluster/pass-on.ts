import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { connect } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'

/** The headers that only concern the two ends of one connection (RFC 9110 §7.6.1), and `Expect`, which has been answered here. */
const HOP_BY_HOP = /^(connection|keep-alive|proxy-connection|te|trailer|upgrade|expect)$/i

/** The longest that a client may take to read what is left for it after the other end has closed, in milliseconds. */
const LAST_BYTES = 5000

/**
 * Passes a request on to the Unix socket `socketPath`, and the answer back, both as streams. If nobody answers there, `otherwise` is called,
 * and has to answer. Resolves when nothing more will come; never rejects.
 */
export function passRequest(
  socketPath: string,
  request: IncomingMessage,
  response: ServerResponse,
  otherwise: () => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let passed: ClientRequest
  try {
    passed = httpRequest({
      socketPath,
      method: request.method,
      path: request.url,
      // With `close`, an answer before the end of the body could be lost in a closed connection; this end closes it.
      headers: [...endToEnd(request.rawHeaders), 'Connection', 'keep-alive'],
      agent: false,
    })
  } catch {
    // Node accepts more from a client than it sends itself, such as a tab in the path.
    otherwise()
    return Promise.resolve()
  }
  let answered = false
  passed.once('response', (answer) => {
    answered = true
    const headers = endToEnd(answer.rawHeaders, /^transfer-encoding$/i)
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers)
    pipeline(answer, response, () => {
      // Nobody reads the rest of a body that was refused.
      request.unpipe(passed)
      request.resume()
      passed.destroy()
    })
  })
  passed.on('error', () => {
    if (answered || response.destroyed) return
    answered = true
    request.unpipe(passed)
    otherwise()
  })
  response.once('close', () => {
    passed.destroy()
    resolve()
  })
  request.pipe(passed)
  return promise
}

/** Passes an upgrade on in the same way; from then on every byte is passed in both directions. `head` came along with the request. */
export function passUpgrade(
  socketPath: string,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  otherwise: () => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const owner = connect(socketPath)
  owner.once('error', otherwise)
  owner.once('connect', () => {
    owner.off('error', otherwise)
    // In one piece: a second write would fail if the owner has refused and closed already, and the refusal would be lost.
    owner.write(Buffer.concat([Buffer.from(headOf(request), 'latin1'), head]))
    pipeline(socket, owner, socket, () => undefined)
    owner.once('close', () => {
      const last = setTimeout(() => socket.destroy(), LAST_BYTES)
      socket.once('close', () => clearTimeout(last))
    })
  })
  // A client that leaves before anything was passed on is no error; later the pipeline handles it.
  socket.on('error', () => undefined)
  socket.once('close', () => {
    owner.destroy()
    resolve()
  })
  return promise
}

function endToEnd(rawHeaders: readonly string[], but?: RegExp): string[] {
  const kept: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (!HOP_BY_HOP.test(name) && !but?.test(name)) kept.push(name, rawHeaders[index + 1]!)
  }
  return kept
}

/** The head of the request as it was read, so that the owner sees what the client sent. */
function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/1.1\r\n`
  for (let index = 0; index < rawHeaders.length; index += 2)
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`
  return `${head}\r\n`
}
