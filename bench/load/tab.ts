import type { Socket } from 'node:net'
import { open } from './http-posts.ts'

/** Called with each text frame: its bytes within the chunk. */
export type FrameHandler = (chunk: Buffer, start: number, end: number, tab: Tab) => void

/** Engine.IO `ping` and, masked with zeros, `pong`. */
const ENGINE_PING = 0x32
const ENGINE_PONG = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x33])

/** RFC 6455 §5.2: the opcodes of control frames begin here, and two of them. */
const CONTROL = 0x8
const PING = 0x9
const PONG = 0x8a

/** A websocket client that only looks at the headers of frames (RFC 6455 §5.2), so that thousands of tabs cost little. */
export class Tab {
  readonly #socket: Socket
  readonly #onFrame: FrameHandler
  readonly #upgraded = Promise.withResolvers<void>()
  #isUpgraded = false
  #rest: Buffer | undefined

  private constructor(socket: Socket, onFrame: FrameHandler, onClose: (error: Error) => void) {
    this.#socket = socket
    this.#onFrame = onFrame
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    const close = (): void => {
      const error = new Error('the server closed a connection')
      this.#upgraded.reject(error)
      onClose(error)
    }
    socket.once('close', close)
    // The close follows, and says it.
    socket.on('error', () => {})
  }

  /** Opens a websocket on loopback; `onClose` is called when the server, or an error, has closed it. */
  static async open(
    port: number,
    path: string,
    onFrame: FrameHandler,
    onClose: (error: Error) => void = () => {},
  ): Promise<Tab> {
    const tab = new Tab(await open(port), onFrame, onClose)
    tab.#socket.write(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    )
    await tab.#upgraded.promise
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
    this.#socket.removeAllListeners('close').destroy()
  }

  #read(chunk: Buffer): void {
    let data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = undefined
    if (!this.#isUpgraded) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#rest = data
        return
      }
      const status = data.toString('latin1', 9, 12)
      if (status !== '101') {
        this.#upgraded.reject(new Error(`the upgrade was answered with ${status}`))
        return
      }
      this.#isUpgraded = true
      this.#upgraded.resolve()
      data = data.subarray(end + 4)
    }
    const read = this.#readFrames(data)
    if (read < data.length) this.#rest = data.subarray(read)
  }

  /** Answers how many bytes were whole frames. */
  #readFrames(data: Buffer): number {
    let at = 0
    while (at + 2 <= data.length) {
      const short = data[at + 1]!
      const extra = short < 126 ? 0 : short === 126 ? 2 : 8
      if (at + 2 + extra > data.length) break
      const length =
        extra === 0 ? short : extra === 2 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2))
      const start = at + 2 + extra
      if (start + length > data.length) break
      const opcode = data[at]! & 0xf
      if (opcode === PING) this.#socket.write(Buffer.from([PONG, 0x80, 0, 0, 0, 0]))
      else if (length === 1 && data[start] === ENGINE_PING) this.#socket.write(ENGINE_PONG)
      else if (opcode < CONTROL) this.#onFrame(data, start, start + length, this)
      at = start + length
    }
    return at
  }
}
