import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestTab } from '../../support/tab.ts'

const apps: TestApp[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})
const start = async (env: Record<string, string> = {}): Promise<TestApp> => {
  const app = await startApp({ DRAIN_SECONDS: '1', ...env })
  apps.push(app)
  return app
}
const portOf = (app: TestApp): string => new URL(app.url).port
const nextConnect = (tab: TestTab): Promise<void> =>
  new Promise((resolve) => tab.socket.once('connect', () => resolve()))

describe('a drain', () => {
  test.each([[['websocket']], [['polling']], [['polling', 'websocket']]])(
    'flushes what was accepted, tells the tab, and the stock client is on the next process: %j',
    async (transports) => {
      const app = await start()
      const tabs = await Promise.all(
        Array.from({ length: 6 }, (_, index) => app.tab(`u${index}`, { transports }).connected()),
      )
      const gone = tabs.map((tab) => tab.disconnected())
      const heard = await Promise.all(
        tabs.map(async (_, index) => (await app.notify(`u${index}`, { title: 'before' })).seq),
      )
      const closed = app.app.close()
      // What was accepted while the tab was there must have reached it, though it has no cursor.
      const isHere = (id: string): boolean => app.io.sockets.sockets.get(id)?.conn.readyState === 'open'
      await Promise.all(
        tabs.map(async (tab, index) => {
          const id = tab.socket.id!
          while (isHere(id)) {
            const { seq } = await app.notify(`u${index}`, { title: 'under way' })
            if (isHere(id)) heard[index] = seq
          }
        }),
      )
      expect(await Promise.all(gone)).toEqual(tabs.map(() => 'transport close'))
      await closed
      for (const [index, tab] of tabs.entries()) {
        const seqs = tab.all('notification').map(({ seq }) => seq)
        expect(seqs).toEqual(seqs.map((_, at) => at + 1))
        expect(seqs.length).toBeGreaterThanOrEqual(heard[index]!)
        expect(tab.all('going-away')).toHaveLength(1)
      }
      const again = tabs.map(nextConnect)
      await start({ PORT: portOf(app) })
      await Promise.all(again)
    },
  )

  test('in the middle of an upgrade, and of a CONNECT: the stock client is on the next process', async () => {
    const app = await start()
    const upgrading = new Promise<void>((resolve) =>
      app.io.engine.once('connection', (conn: { once(event: string, run: () => void): void }) =>
        conn.once('upgrading', resolve),
      ),
    )
    const upgraded = app.tab('ada', { transports: ['polling', 'websocket'], since: {} })
    await upgrading
    const held = new Promise<() => void>((resolve) => {
      app.io.use((_socket, next) => resolve(next))
    })
    const midway = app.tab('bob')
    let refusedForGood = false
    midway.socket.on('connect_error', ({ data }: Error & { data?: object }) => {
      refusedForGood ||= data !== undefined
    })
    const next = await held
    const closed = app.app.close()
    next()
    await closed
    const again = [nextConnect(upgraded), nextConnect(midway)]
    const other = await start({ PORT: portOf(app) })
    await Promise.all(again)
    await other.notify('ada', { title: 'Hello' })
    await upgraded.sees('notification')
    expect(refusedForGood).toBe(false)
  })

  test('says at once that it is not ready, refuses handshakes, and answers posts until the last tab has gone', async () => {
    const app = await start()
    const tabs = await Promise.all([1, 2, 3].map(() => app.tab('ada').connected()))
    const last = Promise.all(tabs.map((tab) => tab.disconnected()))
    const closed = app.app.close()
    expect((await fetch(`${app.url}/readyz`)).status).toBe(503)
    const handshake = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`)
    expect([handshake.status, await handshake.text()]).toEqual([503, 'draining'])
    await last
    const answer = await app.post('/notify/ada', { title: 'late' })
    expect([answer.status, answer.headers.get('connection')]).toEqual([201, 'close'])
    await closed
    expect(app.app.sockets!.counts).toMatchObject({ closed: { draining: 3 } })
    expect(app.app.sockets!.counts.refused.draining).toBeGreaterThan(0)
  })

  test('ends early when all tabs have left by themselves', async () => {
    const app = await start({ DRAIN_SECONDS: '60' })
    const tabs = await Promise.all([1, 2, 3].map(() => app.tab('ada').connected()))
    const closed = app.app.close()
    await Promise.all(tabs.map((tab) => tab.sees('going-away')))
    for (const tab of tabs) tab.close()
    await closed
  })
})

describe('a drain does not hang on', () => {
  /** A raw connection that has sent some bytes. */
  const raw = async (app: TestApp, text: string): Promise<Socket> => {
    const socket = connect(Number(portOf(app)), '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write(text)
    return socket
  }
  /** Milliseconds that a stop may take in all: the spread, the time until tabs and requests have heard of it, and some air. */
  const MOST = 1000 + 2000 + 1000 + 2500 + 1500

  const endsInTime = async (app: TestApp): Promise<void> => {
    const began = Date.now()
    await app.app.close()
    expect(Date.now() - began).toBeLessThan(MOST)
  }

  test('a tab that does not read', async () => {
    const app = await start()
    const tab = await app.tab('ada').connected()
    const { transport } = tab.socket.io.engine as unknown as { transport: { ws: { _socket: Socket } } }
    transport.ws._socket.pause()
    for (let index = 0; index < 40; index++) await app.notify('ada', { data: 'x'.repeat(15_000) })
    await endsInTime(app)
  })

  test('a tab that does not poll', async () => {
    const app = await start()
    const opened = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`)
    const { sid } = JSON.parse((await opened.text()).slice(1))
    await fetch(`${app.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, {
      method: 'POST',
      body: `40${JSON.stringify({ token: app.token('ada') })}`,
    })
    expect((await app.notify('ada', { title: 'unread' })).connections).toBe(1)
    await endsInTime(app)
  })

  test('half a request, half a body, and an upgrade that never connects', async () => {
    const app = await start()
    const sockets = [
      await raw(app, 'POST /notify/ada HTTP/1.1\r\nHost: x\r\n'),
      await raw(
        app,
        `POST /notify/ada HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${app.apiKey}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"title"`,
      ),
      await raw(
        app,
        'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      ),
      await raw(app, ''),
    ]
    await once(sockets[2]!, 'readable')
    await endsInTime(app)
    for (const socket of sockets) socket.destroy()
  })

  test('a body that comes slowly is still answered', async () => {
    const app = await start()
    const head = `POST /notify/ada HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${app.apiKey}\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n`
    const socket = await raw(app, `${head}{"title"`)
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk
    })
    const tab = await app.tab('bob').connected()
    const gone = tab.disconnected()
    const closed = app.app.close()
    await gone
    socket.write(':"slow"}')
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 201 /)
    await closed
  })
})
