import { connect, type Socket } from 'node:net'

/** Called with each text frame: its bytes within the chunk. */
export type FrameHandler = (chunk: Buffer, start: number, end: number, tab: Tab) => void

/** Engine.IO `ping` and, masked with zeros, `pong`. */
const PING = 0x32
const PONG = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x33])

/** A websocket client that only looks at the headers of frames (RFC 6455 §5.2), so that thousands of tabs cost little. */
export class Tab {
  readonly #socket: Socket
  readonly #onFrame: FrameHandler
  #rest: Buffer | undefined
  #upgraded: PromiseWithResolvers<void> | undefined = Promise.withResolvers()

  private constructor(socket: Socket, onFrame: FrameHandler) {
    this.#socket = socket
    this.#onFrame = onFrame
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
  }

  /** Opens a websocket. */
  static async open(port: number, path: string, onFrame: FrameHandler): Promise<Tab> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const tab = new Tab(socket, onFrame)
    const upgraded = tab.#upgraded!.promise
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
    await upgraded
    return tab
  }

  /** Sends a text of at most 65,535 bytes. */
  send(text: string): void {
    const payload = Buffer.from(text)
    const head =
      payload.length < 126
        ? [0x81, 0x80 | payload.length]
        : [0x81, 0xfe, payload.length >> 8, payload.length & 255]
    this.#socket.write(Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]))
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    let data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    if (this.#upgraded !== undefined) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#rest = data
        return
      }
      this.#upgraded.resolve()
      this.#upgraded = undefined
      data = data.subarray(end + 4)
    }
    let at = 0
    while (at + 2 <= data.length) {
      const short = data[at + 1]!
      const extra = short < 126 ? 0 : short === 126 ? 2 : 8
      if (at + 2 + extra > data.length) break
      const length =
        extra === 0 ? short : extra === 2 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2))
      const start = at + 2 + extra
      if (start + length > data.length) break
      if (length === 1 && data[start] === PING) this.#socket.write(PONG)
      else this.#onFrame(data, start, start + length, this)
      at = start + length
    }
    if (at < data.length) this.#rest = data.subarray(at)
  }
}

/** Opens a tab on Socket.IO: resolves when the server has answered the CONNECT; from then on every event is handed on. */
export async function openTab(port: number, token: string, onEvent: FrameHandler): Promise<Tab> {
  const connected = Promise.withResolvers<void>()
  let open = false
  const tab = await Tab.open(port, '/socket.io/?EIO=4&transport=websocket', (chunk, start, end, tab) => {
    if (open) onEvent(chunk, start, end, tab)
    else if (chunk[start] === 0x30) tab.send(`40${JSON.stringify({ token })}`)
    else if (chunk[start] === 0x34 && chunk[start + 1] === 0x30) {
      open = true
      connected.resolve()
    } else connected.reject(new Error(chunk.toString('utf8', start, end)))
  })
  await connected.promise
  return tab
}
