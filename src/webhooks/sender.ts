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

/** The settings of the sender. */
export interface SenderOptions {
  /** `whsec_…`; all of them sign, so that a receiver needs to know only one. */
  secrets: readonly string[]
  /** True if a URL that a call named may lead to private, loopback and link-local addresses. */
  allowPrivate: boolean
  /** The most milliseconds that a request may take in all. */
  timeout?: number
}

/** The receiver of a message. */
export interface WebhookUrl {
  url: string
  /** True if the operator named it: then any address is allowed. */
  trusted: boolean
}

/** The most time that a receiver gets for one request, in milliseconds. */
const TIMEOUT = 10_000

/** The most bytes of an answer that are read: only its status counts, and reading the rest keeps the connection usable. */
const MAX_ANSWER = 65_536

/** The most idle connections that are kept per receiver. */
const MAX_IDLE = 2

/** Signs messages, and sends them to their receivers (Standard Webhooks). */
export class Sender {
  readonly #signers: readonly Webhook[]
  readonly #timeout: number
  readonly #stopped = new AbortController()
  readonly #trusted = { 'http:': new HttpAgent(KEEP), 'https:': new HttpsAgent(KEEP) }
  readonly #named: { 'http:': HttpAgent; 'https:': HttpsAgent }

  constructor({ secrets, allowPrivate, timeout = TIMEOUT }: SenderOptions) {
    this.#signers = secrets.map((secret) => new Webhook(secret))
    this.#timeout = timeout
    // They check the address that is connected to, so that a name cannot change its address between the check and the connection.
    this.#named = allowPrivate
      ? this.#trusted
      : { 'http:': new RequestFilteringHttpAgent(KEEP), 'https:': new RequestFilteringHttpsAgent(KEEP) }
  }

  /** Resolves to the status of the answer. Rejects if there was none in time, or the address is not allowed. Does not follow redirects. */
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

  /** Gives up requests that are under way, and closes the connections. */
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
      // From here on the status is known, and no error changes anything.
      answered = true
      response.once('close', () => resolve(response.statusCode!))
      drain(response)
    })
    request.on('error', (error) => {
      if (!answered) reject(error)
    })
    // A switch of protocols is neither a response nor an error to Node, which only closes the connection.
    request.once('close', () => {
      if (!answered) reject(new Error('it closed the connection without an answer'))
    })
    request.end(body)
  })
}

/** Reads an answer up to a limit and drops it, so that its connection can be used again. */
function drain(response: IncomingMessage): void {
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_ANSWER) response.destroy()
  })
  response.on('error', () => response.destroy())
}
