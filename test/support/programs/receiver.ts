import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json } from '../json.ts'

/** Of 32 bytes, as an operator makes it. */
export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const OTHER_WEBHOOK_SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`

/** A webhook as it came. */
export interface Received {
  method: string
  path: string
  headers: IncomingHttpHeaders
  text: string
  json: Json
  at: number
}

/** The answer of a receiver to its n-th request, from 0: a status, or by hand. */
export type Answering = (index: number, response: ServerResponse) => number | undefined

/** A backend that hears webhooks, on a free port of loopback. */
export class Receiver {
  readonly received: Received[] = []
  readonly #server = createServer()
  readonly #waiting = new Set<() => void>()

  static async start(answering: Answering = () => 204): Promise<Receiver> {
    const receiver = new Receiver(answering)
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  private constructor(answering: Answering) {
    this.#server.on('request', async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      const { method = '', url: path = '', headers } = request
      const index = this.received.length
      this.received.push({ method, path, headers, text, json: JSON.parse(text), at: Date.now() })
      const status = answering(index, response)
      if (status !== undefined) response.writeHead(status).end()
      for (const look of this.#waiting) look()
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`
  }

  /** Resolves when so many have come in all, with all of them. */
  async hears(count: number): Promise<Received[]> {
    if (this.received.length < count)
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (this.received.length < count) return
          this.#waiting.delete(look)
          resolve()
        }
        this.#waiting.add(look)
      })
    return this.received
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** The signature that Standard Webhooks wants, made without any library. */
export function signatureOf({ headers, text }: Received, secret = WEBHOOK_SECRET): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
