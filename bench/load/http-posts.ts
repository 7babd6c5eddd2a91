import { connect, type Socket } from 'node:net'
import { now } from './clock.ts'
import { placeOfTime, writeTime } from './marker.ts'

/** Where notifications are posted. In `path` and `body`, `{user}` stands for the name of a user. */
export interface PostTarget {
  port: number
  path: string
  headers: Record<string, string>
  body: string
}

/** A request as it goes over the wire, and where the time is written into it. */
export interface Request {
  bytes: Buffer
  /** The place of the digits of its marker; -1 if it has none. */
  place: number
}

/** The outcome of a run of posts. Times are in microseconds of `now`. */
export interface Posted {
  startedAt: number
  endedAt: number
  /** Answers other than 2xx. */
  failed: number
  /** Bytes of all answers. */
  received: number
}

const END_OF_HEADERS = Buffer.from('\r\n\r\n')

/** The requests for some users. */
export function requestsFor(target: PostTarget, users: readonly string[]): Request[] {
  const headers = Object.entries(target.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return users.map((user) => {
    const body = target.body.replaceAll('{user}', user)
    const head = `POST ${target.path.replaceAll('{user}', user)} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers.join('')}`
    const bytes = Buffer.from(
      `${head}content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    return { bytes, place: placeOfTime(bytes) }
  })
}

/** A connection that posts ready-made bytes one after the other, and only looks at how answers begin, so that it costs little. */
export class PostConnection {
  /** Answers other than 2xx so far. */
  failed = 0
  /** Bytes of answers so far. */
  received = 0
  readonly #socket: Socket
  readonly #onAnswer: (connection: PostConnection) => void
  #rest: Buffer | undefined
  #isClosed = false

  private constructor(socket: Socket, onAnswer: (connection: PostConnection) => void) {
    this.#socket = socket
    this.#onAnswer = onAnswer
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    // Nobody measures a server that hangs up: it ends this process, and so the run.
    socket.once('close', () => {
      if (!this.#isClosed) throw new Error('the server closed a connection on which it was posted')
    })
  }

  /** Connects to a port of loopback; `onAnswer` is called when a request has been answered in full. */
  static async open(port: number, onAnswer: (connection: PostConnection) => void): Promise<PostConnection> {
    return new PostConnection(await open(port), onAnswer)
  }

  /** Sends a request, with the time at which it was due written into it. */
  send({ bytes, place }: Request, due: number): void {
    if (place >= 0) writeTime(bytes, place, due)
    this.#socket.write(bytes)
  }

  close(): void {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    const length = lengthOfAnswer(data)
    if (length === undefined || data.length < length) {
      this.#rest = data
      return
    }
    this.#rest = undefined
    this.received += length
    // "HTTP/1.1 2…": only the first digit of the status matters.
    if (data[9] !== 0x32) this.failed++
    this.#onAnswer(this)
  }
}

/** Posts to the users in turn as fast as the server answers, with so many requests under way, one per connection. */
export async function postAll(
  port: number,
  requests: readonly Request[],
  posts: number,
  connections: number,
): Promise<Posted> {
  const done = Promise.withResolvers<void>()
  let sent = 0
  let answered = 0
  const send = (connection: PostConnection): void => {
    if (sent < posts) connection.send(requests[sent++ % requests.length]!, now())
  }
  const opened = await Promise.all(
    Array.from({ length: Math.min(connections, posts) }, () =>
      PostConnection.open(port, (connection) => {
        if (++answered === posts) done.resolve()
        send(connection)
      }),
    ),
  )
  const startedAt = now()
  for (const connection of opened) send(connection)
  await done.promise
  return ended(opened, startedAt)
}

/** Closes the connections of a run and answers what it came to. */
export function ended(connections: readonly PostConnection[], startedAt: number): Posted {
  const endedAt = now()
  for (const connection of connections) connection.close()
  return {
    startedAt,
    endedAt,
    failed: connections.reduce((sum, { failed }) => sum + failed, 0),
    received: connections.reduce((sum, { received }) => sum + received, 0),
  }
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
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}
