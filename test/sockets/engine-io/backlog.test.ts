import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { MAX_REFUSED } from '../../../src/sockets/engine-io/backlog.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { openPolling, polling } from '../../support/polling.ts'
import { until } from '../../support/until.ts'

let app: TestApp
beforeEach(async () => {
  app = await startApp({ MAX_CONNECTION_BYTES: '100000' })
})
afterEach(() => app.close())

const engineSessions = (): number => app.io.engine.clientsCount

/** A websocket without a client that would mind what it sends; resolves when its engine session is open. */
async function open(query = ''): Promise<WebSocket> {
  const url = app.url.replace('http', 'ws')
  const socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket${query}`)
  // A server that has had enough resets the connection.
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('open', resolve))
  return socket
}

/** The same, after a CONNECT. */
async function connected(connect = `40${JSON.stringify({ token: app.token('ada') })}`): Promise<WebSocket> {
  const socket = await open()
  socket.send(connect)
  await new Promise<void>((resolve) =>
    socket.on('message', (data) => {
      if (String(data).startsWith('40')) resolve()
    }),
  )
  return socket
}

/** Repeats something until the server has ended the transport; throws if it never does. */
async function floods(socket: WebSocket, send: () => void): Promise<void> {
  socket.pause()
  for (let count = 0; count < 400_000 && socket.readyState === WebSocket.OPEN; count++) {
    send()
    if (count % 100 === 0) await turn()
  }
  expect(socket.readyState).not.toBe(WebSocket.OPEN)
}

describe('an engine session that does not read is ended', () => {
  test('which asks for what is not known', async () => {
    const socket = await connected()
    await floods(socket, () => socket.send(`421["${'x'.repeat(1000)}"]`))
    expect(app.app.sockets!.counts.closed.slow).toBe(1)
  })

  test('which an embedding program answers', async () => {
    app.io.of('/own').on('connection', (own) => own.on('echo', (text, answer) => answer(text)))
    const socket = await connected('40/own,')
    await floods(socket, () => socket.send(`42/own,1["echo","${'x'.repeat(10_000)}"]`))
    expect(app.app.sockets!.counts.closed.slow).toBe(1)
  })

  test('which pings, before its CONNECT, after it, and in an upgrade that never ends', async () => {
    const upgrading = async (): Promise<WebSocket> => open(`&sid=${await openPolling(app.url)}`)
    for (const begin of [open, () => connected(), upgrading]) {
      const socket = await begin()
      await floods(socket, () => socket.ping('x'.repeat(125)))
    }
  })
})

test('what waits is counted in bytes, not in characters', async () => {
  const sid = await openPolling(app.url, app.token('ada'))
  await polling(app.url, { sessionId: sid })
  for (let count = 0; count < 4; count++) app.io.emit('own', '漢'.repeat(10_000))
  expect(engineSessions()).toBe(1)
  app.io.emit('own', 'one more')
  expect(engineSessions()).toBe(0)
})

describe('a page that leaves the namespace', () => {
  test('ends its transport soon, as none is held that nobody counts', async () => {
    const socket = await connected()
    const gone = new Promise((resolve) => socket.once('close', resolve))
    socket.send('41')
    await gone
    expect(engineSessions()).toBe(0)
    expect(app.app.hub.counts.connections).toBe(0)
  })

  test('does not come back on its transport, where it would have rates of its own', async () => {
    const socket = await connected()
    const answers: string[] = []
    socket.on('message', (data) => answers.push(String(data)))
    const gone = new Promise((resolve) => socket.once('close', resolve))
    socket.send('41')
    await until(async () => app.app.hub.counts.connections === 0, 5000)
    socket.send(`40${JSON.stringify({ token: app.token('ada') })}`)
    await gone
    expect(answers.filter((answer) => answer.startsWith('40'))).toEqual([])
  })
})

test('an event that is not known is named by the beginning of its name', async () => {
  const tab = await app.tab('ada').connected()
  const { error } = await tab.ask('x'.repeat(60_000))
  expect(error).toMatchObject({ code: 'unknown_event' })
  expect(error.detail.length).toBeLessThan(200)
})

test.each([
  ['a token that is not valid', '40{"token":"x"}'],
  ['a namespace that is not there', `40/${'x'.repeat(1000)},`],
])('a transport is closed after its last refused CONNECT, with %s', async (_name, connect) => {
  const socket = await open()
  const answers: string[] = []
  const hears = (count: number): Promise<void> => until(async () => answers.length === count, 5000)
  socket.on('message', (data) => {
    if (String(data).startsWith('44')) answers.push(String(data))
  })
  const gone = new Promise((resolve) => socket.once('close', resolve))
  for (let count = 1; count < MAX_REFUSED; count++) {
    socket.send(connect)
    await hears(count)
  }
  expect(engineSessions()).toBe(1)
  socket.send(connect)
  await gone
  expect(answers).toHaveLength(MAX_REFUSED)
})

describe('answers to polls', () => {
  /** More than the kernels hold. */
  const SIZE = 12_000_000

  /** An engine session for which so much waits; resolves with its id. */
  async function full(): Promise<string> {
    const sid = await openPolling(app.url, app.token('ada'))
    await polling(app.url, { sessionId: sid })
    app.io.emit('own', 'x'.repeat(SIZE))
    return sid
  }

  /** A poll on a connection of its own, of which nothing is read. */
  async function poll(sid: string): Promise<Socket> {
    const { hostname, port } = new URL(app.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.write(
      `GET /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`,
    )
    await once(socket, 'readable')
    return socket
  }

  test('that are read may be of any length', async () => {
    const sid = await full()
    for (const _ of [1, 2]) {
      expect((await polling(app.url, { sessionId: sid })).body.length).toBeGreaterThan(SIZE)
      app.io.emit('own', 'x'.repeat(SIZE))
    }
    expect(engineSessions()).toBe(1)
  })

  test('that are not read end the engine session when it asks for more', async () => {
    const sid = await full()
    const unread = await poll(sid)
    expect(engineSessions()).toBe(1)
    expect((await polling(app.url, { sessionId: sid })).status).toBe(400)
    expect(app.app.sockets!.counts.closed.slow).toBe(1)
    unread.destroy()
  })

  test('that are not read for as long as a ping may take are dropped', async () => {
    await app.close()
    app = await startApp({ PING_INTERVAL: '1000', PING_TIMEOUT: '500' })
    await poll(await full())
    const { httpServer } = app.io as unknown as { httpServer: import('node:http').Server }
    const connections = (): Promise<number> =>
      new Promise((resolve) => httpServer.getConnections((_error, count) => resolve(count)))
    expect(await connections()).toBe(1)
    await until(async () => (await connections()) === 0, 10_000)
  })
})
