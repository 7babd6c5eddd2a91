/** The least that a fan-out can cost on Node: `ws` for the upgrade, one frame built once per message, and a write of it to each socket. */
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'

/** An unmasked text frame (RFC 6455 §5.2) of less than 64 KiB. */
function textFrame(payload: Buffer): Buffer {
  const { length } = payload
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), payload])
}

const transports = new Set<Duplex>()
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const frame = textFrame(Buffer.concat(chunks))
    for (const transport of transports) transport.write(frame)
    response.writeHead(201, { 'content-length': 2 }).end('{}')
  })
})
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (client) => {
    transports.add(socket)
    client.once('close', () => transports.delete(socket))
  }),
)
server.listen(Number(process.env.PORT), '127.0.0.1')
