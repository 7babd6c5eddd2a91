import { IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Socket } from 'socket.io'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EngineRequest } from '../../../src/sockets/engine-io/engine-socket.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { until } from '../../support/until.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('a websocket that has been let in lets the request go that it began with', async () => {
  const app = await startApp()
  let request: WeakRef<IncomingMessage> | undefined
  app.io.engine.on('connection', (conn: { request: IncomingMessage }) => {
    request = new WeakRef(conn.request)
  })
  await app.tab('ada').connected()
  expect(request).toBeDefined()
  await until(async () => {
    collectGarbage()
    return request?.deref() === undefined
  }, 10_000)
  await app.close()
})

describe.each([
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['an upgrade', ['polling', 'websocket']],
])('a connection by %s', (_, transports) => {
  let app: TestApp
  let socket: Socket
  beforeAll(async () => {
    app = await startApp()
    app.io.engine.use(
      (request: EngineRequest & { session?: object }, _response: unknown, next: () => void) => {
        request.session = { of: 'a middleware' }
        next()
      },
    )
    app.io.on('connection', (one) => {
      socket = one
    })
    const extraHeaders = { 'x-page': 'one', cookie: 'a=1; b=2' }
    await app.tab('ada', { transports, extraHeaders, query: { page: '7' } }).connected()
  })
  afterAll(() => app.close())

  test('keeps what Socket.IO documents of the request, and what middlewares have added', () => {
    expect(socket.request).not.toBeInstanceOf(IncomingMessage)
    const { headers, url, method, socket: net } = socket.request
    expect(headers).toMatchObject({ host: new URL(app.url).host, 'x-page': 'one', cookie: 'a=1; b=2' })
    expect(url).toContain('page=7')
    expect(method).toBe('GET')
    expect(net.remotePort).toBeGreaterThan(0)
    expect(socket.request.connection).toBe(net)
    expect(socket.request).toMatchObject({ session: { of: 'a middleware' }, _query: { page: '7', EIO: '4' } })
  })

  test('keeps its handshake, which adapters may pass on as JSON', () => {
    const { handshake } = socket
    expect(handshake.headers).toBe(socket.request.headers)
    expect(handshake.query).toMatchObject({ page: '7', EIO: '4' })
    expect(handshake.auth).toEqual({ token: expect.any(String) })
    expect(handshake).toMatchObject({
      address: expect.stringContaining('127.0.0.1'),
      secure: false,
      xdomain: false,
    })
    expect(Date.parse(handshake.time)).toBeGreaterThan(handshake.issued - 1000)
    expect(JSON.parse(JSON.stringify(handshake))).toEqual({
      ...handshake,
      headers: socket.request.headers,
      query: { ...handshake.query },
    })
  })
})
