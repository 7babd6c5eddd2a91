import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent'
import { Webhook } from 'standardwebhooks'
import type { Message } from './message.ts'

export interface SenderOptions {
  /** `whsec_…`; all sign, so that a receiver may know any of them. */
  secrets: readonly string[]
  /** Whether a URL that a call named may lead to private, loopback and link-local addresses. */
  allowPrivate: boolean
  /** Milliseconds that a request may take in all. */
  timeout?: number
}

/** Where a message goes. The operator's own place is trusted: any address is fine. */
export interface WebhookUrl {
  url: string
  trusted: boolean
}

/** The most time that a receiver gets for one request, in milliseconds. */
const TIMEOUT = 10_000

/** So much of an answer is read, in bytes: the status says all, and the rest only keeps the connection usable. */
const MAX_ANSWER = 65_536

/** How many idle connections are kept per receiver. */
const MAX_IDLE = 2

/** Signs messages and carries them to their receivers. */
export class Sender {
  readonly #signers: readonly Webhook[]
  readonly #timeout: number
  readonly #stopped = new AbortController()
  readonly #trusted = { 'http:': new HttpAgent(KEEP), 'https:': new HttpsAgent(KEEP) }
  readonly #named: { 'http:': HttpAgent; 'https:': HttpsAgent }

  constructor({ secrets, allowPrivate, timeout = TIMEOUT }: SenderOptions) {
    this.#signers = secrets.map((secret) => new Webhook(secret))
    this.#timeout = timeout
    // They check the address that is connected to, so that no name can change its meaning between the check and the connection.
    this.#named = allowPrivate
      ? this.#trusted
      : { 'http:': new RequestFilteringHttpAgent(KEEP), 'https:': new RequestFilteringHttpsAgent(KEEP) }
  }

  /** Resolves to the status of the answer. Rejects if there was none in time, or the address is not allowed. Redirects are not followed. */
  async send({ url: text, trusted }: WebhookUrl, message: Message): Promise<number> {
    const url = new URL(text)
    const scheme = url.protocol === 'http:' ? 'http:' : 'https:'
    const request = scheme === 'http:' ? httpRequest : httpsRequest
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(this.#timeout)])
    const agent = (trusted ? this.#trusted : this.#named)[scheme]
    return exchange(
      request(url, { method: 'POST', agent, signal, headers: this.#headersOf(message) }),
      message.body,
    )
  }

  /** Gives up what is under way and closes the connections. */
  close(): void {
    this.#stopped.abort()
    for (const agents of [this.#trusted, this.#named])
      for (const agent of Object.values(agents)) agent.destroy()
  }

  #headersOf({ id, body, traceparent }: Message): Record<string, string | number> {
    const now = new Date()
    return {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'Tabcast',
      'webhook-id': id,
      'webhook-timestamp': Math.floor(now.getTime() / 1000),
      'webhook-signature': this.#signers.map((signer) => signer.sign(id, now, body)).join(' '),
      ...(traceparent === undefined ? {} : { traceparent }),
    }
  }
}

const KEEP = { keepAlive: true, maxFreeSockets: MAX_IDLE }

function exchange(request: ClientRequest, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let answered = false
    request.once('response', (response) => {
      // From here on the status is known, and no fault changes anything.
      answered = true
      response.once('close', () => resolve(response.statusCode!))
      drain(response)
    })
    request.on('error', (error) => {
      if (!answered) reject(error)
    })
    // A switch of protocols is neither an answer nor an error: the connection is closed, and that is all.
    request.once('close', () => {
      if (!answered) reject(new Error('it closed the connection without an answer'))
    })
    request.end(body)
  })
}

/** Reads an answer, as far as it is read at all, so that its connection can be used again. */
function drain(response: IncomingMessage): void {
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_ANSWER) response.destroy()
  })
  response.on('error', () => response.destroy())
}
