import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPolling, polling } from '../support/polling.ts'
import { childrenOf } from '../support/programs/children.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { hasWorkers } from '../support/programs/workers.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const WORKERS = 3
const MOST_BYTES = 2048

let redis: RedisServer
let server: Tabcast

beforeAll(async () => {
  redis = await startRedis()
  server = await startTabcast({
    REDIS_URL: redis.url,
    WORKERS: `${WORKERS}`,
    DRAIN_SECONDS: '0',
    MAX_MESSAGE_BYTES: `${MOST_BYTES}`,
    MAX_CONNECTION_BYTES: '65536',
  })
  await hasWorkers(server, WORKERS)
}, 60_000)

afterAll(async () => {
  await server?.stop()
  await redis?.stop()
})

const token = (user: string): string => browserToken(server.jwtSecret, { user })

const notify = (user: string, notification: object): Promise<Response> =>
  fetch(`${server.url}/notify/${user}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(notification),
  })

/** Each connection is given to the next process, so that so many in a row meet all of them. */
const byAll = <Value>(ask: () => Promise<Value>): Promise<Value[]> =>
  Array.from({ length: WORKERS }).reduce<Promise<Value[]>>(
    async (before) => [...(await before), await ask()],
    Promise.resolve([]),
  )

const UNKNOWN = { code: 1, message: 'Session ID unknown' }

test('an engine session is reached through every process, with a body up to the limit, and one byte more is refused', async () => {
  const sessionId = await openPolling(server.url, token('ada'))
  const opening = await polling(server.url, { sessionId })
  expect(opening.body).toContain('40{"sid":')
  const event = (bytes: number): string => `42["x","${'a'.repeat(bytes - 10)}"]`
  expect(Buffer.byteLength(event(MOST_BYTES))).toBe(MOST_BYTES)
  const taken = await byAll(() => polling(server.url, { sessionId, body: event(MOST_BYTES) }))
  expect(taken.map(({ status, body }) => [status, body])).toEqual(Array(WORKERS).fill([200, 'ok']))
  const refused = await byAll(() => polling(server.url, { sessionId, body: event(MOST_BYTES + 1) }))
  expect(refused.map(({ status }) => status)).toEqual(Array(WORKERS).fill(413))
})

test('a body far above the limit is refused through every process, and the process goes on', async () => {
  const sessionId = await openPolling(server.url, token('ada'))
  const large = 'x'.repeat(1_000_000)
  const answers = await byAll(() => polling(server.url, { sessionId, body: large }))
  expect(answers.map(({ status }) => status)).toEqual(Array(WORKERS).fill(413))
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

test('a page of another origin gets the same answer through every process', async () => {
  const headers = { origin: 'https://evil.example' }
  const handshakes = await byAll(() => polling(server.url, { headers }))
  expect(handshakes.map(({ status }) => status)).toEqual(Array(WORKERS).fill(403))
  const sessionId = await openPolling(server.url, token('ada'))
  const polls = await byAll(() => polling(server.url, { sessionId, headers, body: '3' }))
  for (const { headers } of polls) expect(headers['access-control-allow-origin']).toBeUndefined()
  const own = await byAll(() =>
    polling(server.url, { sessionId, headers: { origin: server.url }, body: '3' }),
  )
  for (const { headers } of own) expect(headers['access-control-allow-origin']).toBe(server.url)
})

test('ids that name nobody are answered as Engine.IO answers them, and harm nobody', async () => {
  const random = 'abcdefghijklmnopqrst'
  const before = await childrenOf(server.pid)
  const bad = [
    '../1',
    '../../etc/passwd',
    `999999.${random}`,
    `1234567890.${random}`,
    `1.${random}`,
    `0.${random}`,
    `-1.${random}`,
    `1.${random}/../2`,
    `1\0.${random}`,
    `%2e%2e%2f${random}`,
    'x'.repeat(8000),
    '.',
  ]
  for (const sessionId of bad) {
    const answers = await byAll(() => polling(server.url, { sessionId }))
    for (const { status, body } of answers)
      expect([sessionId, status, JSON.parse(body)]).toEqual([sessionId, 400, UNKNOWN])
    const posts = await byAll(() => polling(server.url, { sessionId, body: '3' }))
    for (const { status } of posts) expect([sessionId, status]).toEqual([sessionId, 400])
    const upgrades = await byAll(() => upgrade(sessionId))
    for (const answer of upgrades) expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  }
  expect(await childrenOf(server.pid)).toEqual(before)
})

test('what Node takes and would not send is answered, and harms nobody', async () => {
  const before = await childrenOf(server.pid)
  for (const sessionId of [
    '999999.abcdefghijklmnopqrst',
    '1.abcdefghijklmnopqrst',
    '2.abcdefghijklmnopqrst',
  ]) {
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sessionId}`
    const trailers = await byAll(() => exchange(`GET ${path} HTTP/1.1\r\nHost: x\r\nTrailer: x\r\n`))
    const tabs = await byAll(() => exchange(`GET ${path}&t=\t HTTP/1.1\r\nHost: x\r\n`))
    for (const answer of [...trailers, ...tabs]) expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  }
  expect(await childrenOf(server.pid)).toEqual(before)
})

/** Sends the head of a request as it is; resolves with all that comes back. */
async function exchange(head: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answer += chunk
  })
  socket.write(`${head}Connection: ${head.includes('Upgrade') ? 'Upgrade' : 'close'}\r\n\r\n`)
  await once(socket, 'close')
  return answer
}

/** Asks for a websocket of an engine session; resolves with all that comes back. */
const upgrade = (sessionId: string): Promise<string> =>
  exchange(
    `GET /socket.io/?EIO=4&transport=websocket&sid=${encodeURIComponent(sessionId)} HTTP/1.1\r\nHost: x\r\n` +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
  )

test('tabs that do not read are closed as slow through the passing on, and go on from where they stood', async () => {
  const tabs = Array.from(
    { length: 3 * WORKERS },
    () => new TestTab(server.url, { token: token('slow'), since: {}, transports: ['polling', 'websocket'] }),
  )
  try {
    await Promise.all(tabs.map((tab) => tab.sees('position')))
    for (const tab of tabs)
      tab.socket.on('notification', ({ seq, epoch }) => Object.assign(tab, { since: { seq, epoch } }))
    await until(
      async () => tabs.every(({ socket }) => socket.io.engine.transport.name === 'websocket'),
      10_000,
    )
    for (const tab of tabs) netSocketOf(tab).pause()
    let posts = 0
    while ((await closedAsSlow()) < tabs.length) {
      await Promise.all(
        Array.from({ length: 20 }, () => notify('slow', { title: 'x', data: 'x'.repeat(15_000) })),
      )
      posts += 20
      expect(posts).toBeLessThan(2000)
    }
    for (const tab of tabs) netSocketOf(tab).resume()
    await Promise.all(tabs.map((tab) => tab.sees('notification', posts)))
    const seqs = Array.from({ length: posts }, (_, index) => index + 1)
    for (const tab of tabs) expect(tab.all('notification').map(({ seq }) => seq)).toEqual(seqs)
  } finally {
    for (const tab of tabs) tab.close()
  }
}, 60_000)

function netSocketOf({ socket }: TestTab): Socket {
  return (socket.io.engine.transport as unknown as { ws: { _socket: Socket } }).ws._socket
}

/** Asked of any process, for all. */
async function closedAsSlow(): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  const counts = [
    ...metrics.matchAll(/^tabcast_connections_closed_total\{reason="slow",worker="\d+"\} (\d+)$/gm),
  ]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}
