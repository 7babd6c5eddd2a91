/** What the fan-out bench is measured against: `ws` alone, sending one text to all its clients for each POST. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString()
    for (const client of sockets.clients) client.send(text)
    response.writeHead(201, { 'content-length': 2 }).end('{}')
  })
})
const sockets = new WebSocketServer({ server })
server.listen(Number(process.env.PORT), '127.0.0.1')
