import { afterEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { until } from '../support/until.ts'

let app: TestApp
afterEach(() => app?.close())

describe('connections of one user', () => {
  const closed = (): number => app.app.sockets!.counts.closed.user_limit

  test('one more than allowed is closed and tries again until another has gone; those of others are let in', async () => {
    app = await startApp({ MAX_CONNECTIONS_PER_USER: '2' })
    const [first, second] = await Promise.all([1, 2].map(() => app.tab('ada').connected()))
    expect(closed()).toBe(0)
    const third = app.tab('ada')
    let refusedForGood = false
    third.socket.on('connect_error', ({ data }: Error & { data?: object }) => {
      refusedForGood ||= data !== undefined
    })
    await until(async () => closed() >= 2, 5000)
    expect([first!.socket.connected, second!.socket.connected, third.socket.connected]).toEqual([
      true,
      true,
      false,
    ])
    await app.tab('bob').connected()
    first!.close()
    await new Promise((resolve) => third.socket.once('connect', () => resolve(undefined)))
    expect(refusedForGood).toBe(false)
    const { connections } = await app.notify('ada', { title: 'Hello' })
    expect(connections).toBe(2)
    expect(await (await fetch(`${app.url}/metrics`)).text()).toMatch(
      /tabcast_connections_closed_total\{reason="user_limit"\} [2-9]/,
    )
  })

  test('a place is free again after every way of leaving', async () => {
    app = await startApp({ MAX_CONNECTIONS_PER_USER: '1' })
    for (const leave of ['disconnect', 'cut', 'ended by the server'] as const) {
      const tab = await app.tab('ada').connected()
      const gone = tab.disconnected()
      if (leave === 'disconnect') tab.close()
      else if (leave === 'cut') tab.socket.io.engine.close()
      else app.io.disconnectSockets(true)
      await gone
      tab.close()
    }
    const tab = app.tab('ada')
    await new Promise((resolve) => tab.socket.once('connect', () => resolve(undefined)))
  })

  test('are counted over both transports; those without a token are nobody’s', async () => {
    app = await startApp({ MAX_CONNECTIONS_PER_USER: '1', ANONYMOUS: 'on' })
    await app.tab('ada', { transports: ['polling'] }).connected()
    app.tab('ada')
    await until(async () => closed() >= 1, 5000)
    await Promise.all([1, 2, 3].map(() => app.tabWith({}).connected()))
  })
})

describe('rooms of one connection', () => {
  const rooms = (count: number): Record<string, object> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`r${index}`, {}]))

  test('as many as allowed by since.rooms are joined, one more is refused for good', async () => {
    app = await startApp({ MAX_ROOMS_PER_CONNECTION: '3' })
    const tabWith = (count: number) =>
      app.tab('ada', { grants: { rooms: ['*'] }, since: { rooms: rooms(count) } })
    const tab = tabWith(3)
    await tab.sees('position', 4)
    expect(await tab.ask('subscribe', 'r3')).toMatchObject({ ok: false, error: { code: 'too_many_rooms' } })
    await expect(tabWith(4).connected()).rejects.toMatchObject({ data: { code: 'too_many_rooms' } })
  })

  test('those asked for at the same time are counted as well', async () => {
    app = await startApp({ MAX_ROOMS_PER_CONNECTION: '3' })
    const tab = await app.tab('ada', { grants: { rooms: ['*'] } }).connected()
    const answers = await Promise.all(Object.keys(rooms(5)).map((room) => tab.ask('subscribe', room)))
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true, false, false])
  })

  test('those that every connection joins by itself count with those of since.rooms', async () => {
    app = await startApp({ MAX_ROOMS_PER_CONNECTION: '3', JOIN_ROOMS: 'hall' })
    const tabWith = (count: number) =>
      app.tab('ada', { grants: { rooms: ['*'] }, since: { rooms: rooms(count) } })
    const tab = tabWith(2)
    await tab.sees('position', 4)
    await expect(tabWith(3).connected()).rejects.toMatchObject({ data: { code: 'too_many_rooms' } })
  })
})

test('a transport has one CONNECT at a time: a second one before the answer ends it, and nothing of it is left', async () => {
  app = await startApp({ ANONYMOUS: 'on', JOIN_ROOMS: 'all' })
  const socket = new WebSocket(`${app.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  let answers = 0
  socket.addEventListener('message', ({ data }) => {
    if (data.startsWith('40')) answers++
    if (!data.startsWith('0')) return
    socket.send('40{}')
    socket.send('40{}')
  })
  await new Promise((resolve) => socket.addEventListener('close', resolve))
  expect(answers).toBe(0)
  await until(async () => app.app.sockets!.counts.connections === 0, 5000)
  await app.tabWith({}).connected()
})
