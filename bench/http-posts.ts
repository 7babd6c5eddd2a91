import { connect, type Socket } from 'node:net'

/** What a run of posts came to. */
export interface Posted {
  count: number
  /** Answers other than 2xx. */
  failed: number
}

const END_OF_HEADERS = Buffer.from('\r\n\r\n')

/**
 * Posts as fast as the server answers, with so many requests under way, one per connection. The requests are ready-made bytes and the
 * answers are only counted, so that the client costs a fraction of what any server does.
 */
export async function postAll(port: number, requests: Buffer[], connections: number): Promise<Posted> {
  let next = 0
  let failed = 0
  const work = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let rest: Buffer | undefined
      const send = (): void => {
        const request = requests[next++]
        if (request === undefined) socket.end(resolve)
        else socket.write(request)
      }
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => {
        const data = rest === undefined ? chunk : Buffer.concat([rest, chunk])
        const length = lengthOfAnswer(data)
        if (length === undefined || data.length < length) {
          rest = data
          return
        }
        rest = undefined
        // "HTTP/1.1 2…": only the first digit of the status matters.
        if (data[9] !== 0x32) failed++
        send()
      })
      send()
    })
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)))
  await Promise.all(sockets.map(work))
  return { count: requests.length, failed }
}

/** A request as it goes over the wire. */
export function request(path: string, key: string, body: string): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** The length of the answer that this begins with, in bytes; undefined if its headers are not complete. */
export function lengthOfAnswer(data: Buffer): number | undefined {
  const end = data.indexOf(END_OF_HEADERS)
  if (end < 0) return undefined
  const length = /content-length: (\d+)/i.exec(data.toString('latin1', 0, end))?.[1]
  if (length === undefined) throw new Error('an answer has no content-length')
  return end + END_OF_HEADERS.length + Number(length)
}

/** A connection to a server on loopback. */
export function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}
