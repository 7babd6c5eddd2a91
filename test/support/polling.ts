import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** The answer to one request of Engine.IO's polling transport. */
export interface PollingAnswer {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

/** One request of the polling transport on a connection of its own, without a client that would hide what comes back. */
export async function polling(
  url: string,
  {
    sessionId,
    body,
    headers = {},
  }: { sessionId?: string; body?: string | Buffer; headers?: Record<string, string> } = {},
): Promise<PollingAnswer> {
  const query = new URLSearchParams({
    EIO: '4',
    transport: 'polling',
    ...(sessionId === undefined ? {} : { sid: sessionId }),
  })
  const asked = request(`${url}/socket.io/?${query}`, {
    method: body === undefined ? 'GET' : 'POST',
    agent: false,
    headers,
  })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode!, headers: answer.headers, body: await text(answer) }
}

/** Opens an engine session, and connects it if there is a token. Resolves with its id. */
export async function openPolling(url: string, token?: string): Promise<string> {
  const { sid } = JSON.parse((await polling(url)).body.slice(1)) as { sid: string }
  if (token !== undefined) await polling(url, { sessionId: sid, body: `40${JSON.stringify({ token })}` })
  return sid
}
