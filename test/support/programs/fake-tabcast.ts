import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface SeenRequest {
  method: string
  /** As it came, still percent-encoded. */
  path: string
  headers: IncomingMessage['headers']
  body: string
  /** Milliseconds after which the caller closed the connection; undefined as long as it is open. */
  closedAfter?: number
}

export interface FakeTabcast {
  readonly url: string
  readonly requests: SeenRequest[]
  close(): Promise<void>
}

/** Answers the n-th request with the n-th of `answers`, and all later ones with the last: for what a sound server never does. */
export async function fakeTabcast(...answers: ((response: ServerResponse) => void)[]): Promise<FakeTabcast> {
  const requests: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const began = Date.now()
    const seen: SeenRequest = { method, path: url, headers, body: await text(request) }
    requests.push(seen)
    response.once('close', () => {
      seen.closedAfter = Date.now() - began
    })
    answers[Math.min(requests.length, answers.length) - 1]!(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An answer with a JSON body. */
export function answering(status: number, body: object): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

/** The connection is cut, with no answer. */
export function cutting(response: ServerResponse): void {
  response.destroy()
}

/** No answer, and the connection stays. */
export function hanging(): void {}
