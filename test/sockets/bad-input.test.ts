import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { until } from '../support/until.ts'

describe('what a tab may send wrongly', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ MAX_MESSAGE_BYTES: '10000' })
  })
  afterAll(() => app.close())

  test('unknown events, and those that come later, get an error if they asked for an answer', async () => {
    const tab = await app.tab('ada').connected()
    for (const event of ['shout', 'nonsense', 'error'])
      expect(await tab.ask(event, 1)).toMatchObject({ ok: false, error: { code: 'unknown_event' } })
    tab.socket.emit('nonsense')
    expect(await tab.ask('unsubscribe', 'x')).toEqual({ ok: true })
  })

  test.each([
    ['no room', []],
    ['a number', [7]],
    ['an empty room', ['']],
    ['a control character', ['a\nb']],
    ['a lone surrogate', ['\ud800']],
    ['257 characters', ['😀'.repeat(257)]],
    ['options that are a list', ['r', []]],
    ['an unknown option', ['r', { sinse: {} }]],
    ['a negative seq', ['r', { since: { seq: -1 } }]],
    ['last as text', ['r', { last: '5' }]],
    ['last above its limit', ['r', { last: 1001 }]],
    ['presence as text', ['r', { presence: 'yes' }]],
    ['since and last', ['r', { since: {}, last: 1 }]],
  ])('subscribe with %s', async (_name, args) => {
    const tab = await app.tab('ada', { grants: { rooms: ['*'] } }).connected()
    expect(await tab.ask('subscribe', ...args)).toMatchObject({
      ok: false,
      error: { code: 'invalid_request' },
    })
    expect(tab.socket.connected).toBe(true)
  })

  test('the limits themselves are allowed', async () => {
    const tab = await app.tab('ada', { grants: { rooms: ['*'] } }).connected()
    expect(await tab.ask('subscribe', '😀'.repeat(256), { last: 1000 })).toMatchObject({ ok: true })
    expect(await tab.ask('subscribe', '__proto__')).toMatchObject({ ok: true })
  })

  test.each(['websocket', 'polling'])(
    'a message above the limit closes the connection (%s)',
    async (transport) => {
      const tab = await app.tab('ada', { transports: [transport], reconnection: false }).connected()
      expect(await tab.ask('unsubscribe', 'x'.repeat(9000))).toMatchObject({ ok: false })
      const gone = tab.disconnected()
      tab.socket.emit('unsubscribe', 'x'.repeat(11_000))
      expect(await gone).toMatch(/transport (close|error)/)
    },
  )

  test('a number is no event either', async () => {
    const tab = await app.tab('ada').connected()
    const answered = new Promise((resolve) => tab.socket.io.engine.on('data', resolve))
    tab.socket.io.engine.write('21[5]')
    expect(await answered).toMatch(/^31\[\{"ok":false,"error":\{"code":"unknown_event".*\\"5\\"/)
  })

  test.each(['/socket.io', '/socket.ioX', '/socket.iX/'])('a websocket at %s', async (path) => {
    const { hostname, port } = new URL(app.url)
    const upgrade = (): Socket =>
      connect(Number(port), hostname).end(
        `GET ${path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
      )
    expect(await text(upgrade())).toMatch(/^HTTP\/1.1 404 Not Found\r\n/)
    // Whoever gives up meanwhile harms nobody else.
    const socket = upgrade()
    await once(socket, 'connect')
    setTimeout(() => socket.resetAndDestroy(), 20)
    await once(socket, 'close')
    await app.tab('ada').connected()
  })

  test('binary and malformed packets end the connection at most, never the server', async () => {
    const tab = await app.tab('ada', { reconnection: false }).connected()
    tab.socket.emit('subscribe', new Uint8Array([1, 2, 3]))
    const gone = tab.disconnected()
    tab.socket.io.engine.write('2[}')
    await gone
    await app.tab('ada').connected()
  })
})

describe('an embedding program', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  test('has its own events and namespaces on the same server', async () => {
    app.io.on('connection', (socket) => {
      socket.on('add', (a: number, b: number, answer: (sum: number) => void) => answer(a + b))
    })
    app.io.of('/own').on('connection', (socket) => socket.emit('welcome', socket.handshake.headers.host))
    const tab = await app.tab('ada').connected()
    expect(await tab.ask('add', 1, 2)).toBe(3)
    const own = tab.socket.io.socket('/own')
    own.connect()
    expect(await new Promise((resolve) => own.once('welcome', resolve))).toBe(new URL(app.url).host)
    await app.notify('ada', { title: 'still here' })
    await tab.sees('notification')
  })
})

describe('the short way out', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  test('is taken by an open websocket of the Engine.IO and ws that are installed', async () => {
    const { takesShortWay } = await import('../../src/sockets/engine-io/engine-socket.ts')
    const tab = await app.tab('ada').connected()
    const slow = await app.tab('bob', { transports: ['polling'] }).connected()
    const connOf = (id: string) => app.io.sockets.sockets.get(id)!.conn
    expect(takesShortWay(connOf(tab.socket.id!))).toBe(true)
    expect(takesShortWay(connOf(slow.socket.id!))).toBe(false)
  })

  test('keeps the order with what goes the other way, in one burst', async () => {
    const tab = await app.tab('ada', { grants: { rooms: ['r'] } }).connected()
    const asked = tab.ask('subscribe', 'r')
    await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        app.notify('ada', { title: `${index}`, body: 'x'.repeat(index * 13) }),
      ),
    )
    expect(await asked).toMatchObject({ ok: true })
    const heard = await tab.sees('notification', 300)
    expect(heard.map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
    expect(heard.every(({ body, title }) => body.length === Number(title) * 13)).toBe(true)
  })

  test('is not taken past what waits in Engine.IO', async () => {
    const patient = await startApp({ MAX_CONNECTION_BYTES: '60000000' })
    try {
      const tab = await patient.tab('ada').connected()
      const { transport } = tab.socket.io.engine as unknown as {
        transport: { ws: { _socket: import('node:net').Socket } }
      }
      transport.ws._socket.pause()
      const socket = patient.io.sockets.sockets.get(tab.socket.id!)!
      // More than the kernels hold, so that the second waits for the first.
      for (const own of [1, 2]) socket.emit('own', { own, filling: 'x'.repeat(8_000_000) })
      await patient.notify('ada', { title: 'third' })
      transport.ws._socket.resume()
      await tab.sees('notification')
      expect(tab.seen.map(({ event, payload }) => payload.own ?? event)).toEqual([1, 2, 'notification'])
    } finally {
      await patient.close()
    }
  })

  test('a tab that upgrades from polling to websocket under traffic hears everything in order', async () => {
    const tab = app.tab('cem', { transports: ['polling', 'websocket'], since: {} })
    await tab.connected()
    const upgraded = () => tab.socket.io.engine.transport.name === 'websocket'
    let count = 0
    while (!upgraded() || count < 50) {
      await Promise.all([app.notify('cem', { title: 'one' }), app.notify('cem', { title: 'two' })])
      count += 2
      await tab.sees('notification', count)
    }
    expect(tab.all('notification').map(({ seq }) => seq)).toEqual(
      Array.from({ length: count }, (_, index) => index + 1),
    )
  })

  test('a tab that asks on and reads no answer is closed', async () => {
    const strict = await startApp({ MAX_CONNECTION_BYTES: '1000000' })
    try {
      for (let index = 0; index < 20; index++) await strict.message('big', { data: 'x'.repeat(10_000) })
      const tab = await strict.tab('ada', { grants: { rooms: ['big'] } }).connected()
      const { transport } = tab.socket.io.engine as unknown as {
        transport: { ws: { _socket: import('node:net').Socket } }
      }
      transport.ws._socket.pause()
      // The answers stop when the two kernels hold as much as they take; then the questions wait, until they are too many.
      for (let index = 0; index < 1500; index++)
        tab.socket.emit('subscribe', 'big', { last: 20 }, () => undefined)
      await until(async () => strict.app.sockets!.counts.closed.slow === 1, 5000)
      transport.ws._socket.resume()
    } finally {
      await strict.close()
    }
  })

  test('a tab that does not read is closed at its limit, and is complete when it comes back', async () => {
    const strict = await startApp({ MAX_CONNECTION_BYTES: '200000' })
    try {
      const tab = strict.tab('ada', { since: {} })
      await tab.sees('position')
      const healthy = await strict.tab('bob').connected()
      const { transport } = tab.socket.io.engine as unknown as {
        transport: { ws: { _socket: import('node:net').Socket } }
      }
      transport.ws._socket.pause()
      const gone = tab.disconnected()
      const { seq, epoch } = tab.all('position')[0]
      tab.since = { seq, epoch }
      const data = 'x'.repeat(15_000)
      let sent = 0
      while (strict.app.sockets!.counts.closed.slow === 0 && sent < 2000) {
        await strict.notify('ada', { data })
        sent++
      }
      expect(strict.app.sockets!.counts.closed.slow).toBe(1)
      await strict.notify('bob', { title: 'undisturbed' })
      await healthy.sees('notification')
      tab.seen.length = 0
      transport.ws._socket.resume()
      await gone
      await tab.sees('position')
      const received = [...new Set(tab.all('notification').map((notification) => notification.seq))]
      expect(received.at(-1)).toBe(sent)
    } finally {
      await strict.close()
    }
  })
})
