import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { roomChannel, userChannel } from '../../src/core/model/channel.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { signToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const now = (): number => Math.floor(Date.now() / 1000)

describe.each(['websocket', 'polling'])('a stock client by %s', (transport) => {
  let app: TestApp
  const transports = [transport]

  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  test('sees a stock server: nothing comes unasked, and what is published then does', async () => {
    const tab = await app.tab('ada', { transports }).connected()
    expect(tab.socket.id).toMatch(/^[A-Za-z0-9_-]{20}$/)
    await app.notify('ada', { title: 'Hello', data: [] })
    const [notification] = await tab.sees('notification')
    expect(tab.seen.map(({ event }) => event)).toEqual(['notification'])
    expect(notification).toMatchObject({ title: 'Hello', data: [], seq: 1, severity: 'info', alert: true })
    expect(notification.id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('every tab of the user hears it, another user does not', async () => {
    const tabs = await Promise.all([1, 2, 3].map(() => app.tab('bob', { transports }).connected()))
    const other = await app.tab('eve', { transports }).connected()
    const { connections } = await app.notify('bob', { title: 'For Bob' })
    expect(connections).toBe(3)
    for (const tab of tabs) expect((await tab.sees('notification'))[0].title).toBe('For Bob')
    await app.notify('eve', { title: 'For Eve' })
    await other.sees('notification')
    expect(other.all('notification').map(({ title }) => title)).toEqual(['For Eve'])
  })

  test('with a cursor it gets what it missed, then its position, then what comes', async () => {
    const first = await app.notify('cem', { title: 'one' })
    await app.notify('cem', { title: 'two' })
    const tab = app.tab('cem', { transports, since: { seq: first.seq, epoch: first.epoch } })
    await tab.sees('position')
    await app.notify('cem', { title: 'three' })
    await tab.sees('notification', 2)
    expect(tab.seen.map(({ event, payload }) => [event, payload.title ?? payload.seq])).toEqual([
      ['notification', 'two'],
      ['position', 2],
      ['notification', 'three'],
    ])
    expect(tab.all('position')).toEqual([
      { channel: userChannel('cem'), seq: 2, epoch: first.epoch, unread: 2, unseen: 2 },
    ])
    expect(tab.all('notification').map(({ alert }) => alert)).toEqual([false, true])
  })

  test('{} is from now, {seq: 0} is everything that is there', async () => {
    await app.notify('dan', { title: 'one' })
    const fromNow = app.tab('dan', { transports, since: {} })
    const all = app.tab('dan', { transports, since: { seq: 0 } })
    await Promise.all([fromNow.sees('position'), all.sees('position')])
    expect(fromNow.seen.map(({ event }) => event)).toEqual(['position'])
    expect(all.seen.map(({ event }) => event)).toEqual(['notification', 'position'])
  })

  test('a cursor of another run gets a gap, then everything that is there', async () => {
    await app.notify('fay', { title: 'one' })
    const tab = app.tab('fay', { transports, since: { seq: 7, epoch: 'elsewhere.0123' } })
    await tab.sees('position')
    expect(tab.seen.map(({ event }) => event)).toEqual(['gap', 'notification', 'position'])
    expect(tab.all('gap')[0]).toMatchObject({ channel: userChannel('fay'), from: 1, to: 7, reason: 'wiped' })
  })

  test('rooms go on by since.rooms where they are granted, and are refused aloud where not', async () => {
    const said = await app.message('den', { body: 'one' })
    await app.message('den', { body: 'two' })
    const tab = app.tab('gil', {
      transports,
      grants: { rooms: ['den'] },
      since: { rooms: { den: { seq: said.seq, epoch: said.epoch }, vault: { seq: 0 } } },
    })
    await tab.sees('position', 2)
    expect(tab.all('message').map(({ body }) => body)).toEqual(['two'])
    expect(tab.all('position').map(({ channel }) => channel)).toEqual([
      userChannel('gil'),
      roomChannel('den'),
    ])
    expect(tab.all('unsubscribed')).toEqual([{ room: 'vault', code: 'room_forbidden' }])
  })

  test('going on with the cursor after a cut connection loses nothing and repeats nothing', async () => {
    const tab = app.tab('hal', { transports, since: {} })
    await tab.sees('position')
    for (let round = 1; round <= 5; round++) {
      await app.notify('hal', { title: `${round} live` })
      await tab.sees('notification', 2 * round - 1)
      const { seq, epoch } = tab.all('notification').at(-1)
      tab.since = { seq, epoch }
      const gone = tab.disconnected()
      tab.socket.io.engine.close()
      await gone
      await app.notify('hal', { title: `${round} away` })
      // A closed manager is opened again by hand; a cut one would do it by itself.
      tab.socket.connect()
      await tab.sees('notification', 2 * round)
    }
    expect(tab.all('notification').map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(tab.all('gap')).toEqual([])
  })
})

describe('who is not let in', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  const claimsOf = (sub: string) => ({ sub, aud: 'tabcast', iat: now(), exp: now() + 60 })
  const claims = claimsOf('ada')
  const refused = (token: string | undefined) =>
    app
      .tabWith({ token })
      .connected()
      .catch((error) => error.data)

  test.each([
    ['no token', () => undefined, 'token_missing'],
    ['rubbish', () => 'rubbish', 'token_invalid'],
    ['another key', () => signToken('x'.repeat(32), claims), 'token_invalid'],
    [
      'an expired one',
      () => signToken(app.jwtSecret, { ...claims, iat: now() - 60, exp: now() - 1 }),
      'token_expired',
    ],
    ['one for the API', () => signToken(app.jwtSecret, { ...claims, aud: 'tabcast:api' }), 'token_invalid'],
    [
      'one without exp',
      () => signToken(app.jwtSecret, { sub: 'ada', aud: 'tabcast', iat: now() }),
      'token_invalid',
    ],
    ['one without a user', () => signToken(app.jwtSecret, { ...claims, sub: '' }), 'token_invalid'],
  ])('%s', async (_name, token, code) => {
    expect(await refused(token())).toMatchObject({ code })
  })

  test('a malformed cursor is refused, not ignored', async () => {
    for (const since of [
      7,
      { seq: -1 },
      { seq: 1.5 },
      { epoch: 'x' },
      { seq: 1, sequence: 2 },
      { rooms: [] },
    ])
      expect(
        await app
          .tab('ada', { since: since as object })
          .connected()
          .catch((error) => error.data),
      ).toMatchObject({
        code: 'invalid_request',
      })
  })

  test('a foreign page, by both transports; a client without a page is let in', async () => {
    for (const transport of ['websocket', 'polling']) {
      const foreign = app.tab('ada', {
        transports: [transport],
        extraHeaders: { origin: 'https://evil.example' },
      })
      await expect(foreign.connected()).rejects.toThrow()
      foreign.close()
      const same = app.tab('ada', { transports: [transport], extraHeaders: { origin: app.url } })
      await same.connected()
    }
  })

  test('nobody whose token has been revoked, also by refresh; a newer token is let in', async () => {
    const old = app.token('ina', { issuedAt: now() - 10 })
    const tab = await app.tabWith({ token: old }).connected()
    const gone = tab.disconnected()
    const response = await app.post('/users/ina/disconnect', { revoke: true })
    expect(response.status).toBe(202)
    // Said by the server, so that stock clients stay away.
    expect(await gone).toBe('io server disconnect')
    expect(await refused(old)).toMatchObject({ code: 'token_revoked' })
    const fresh = await app.tabWith({ token: app.token('ina', { issuedAt: now() + 1 }) }).connected()
    expect(await fresh.ask('refresh', old)).toMatchObject({ ok: false, error: { code: 'token_revoked' } })
  })

  test('an expired token ends the connection so that the client tries again', async () => {
    const tab = await app.tabWith({ token: app.token('jon', { ttl: 1 }) }).connected()
    expect(await tab.disconnected()).toBe('transport close')
    expect(tab.socket.active).toBe(true)
  })

  test('a revocation covers the whole second, and a token beyond every date is none', async () => {
    const second = now()
    expect((await app.post('/users/max/disconnect', { revoke: true })).status).toBe(202)
    const claims = { ...claimsOf('max'), iat: second + 0.9 }
    expect(await refused(signToken(app.jwtSecret, claims))).toMatchObject({ code: 'token_revoked' })
    const tab = await app.tab('ned').connected()
    const endless = signToken(app.jwtSecret, { ...claimsOf('ned'), exp: 1e300 })
    expect(await tab.ask('refresh', endless)).toMatchObject({ ok: false, error: { code: 'token_invalid' } })
  })

  test('refresh goes on without a reconnect, for the same user only', async () => {
    const tab = await app.tabWith({ token: app.token('kim', { ttl: 2 }) }).connected()
    const { id } = tab.socket
    expect(await tab.ask('refresh', app.token('lou', {}))).toMatchObject({
      ok: false,
      error: { code: 'token_invalid' },
    })
    const answer = await tab.ask('refresh', app.token('kim', { ttl: 60 }))
    expect(answer).toMatchObject({ ok: true })
    expect(Date.parse(answer.expiresAt)).toBeGreaterThan(Date.now() + 50_000)
    await new Promise((resolve) => setTimeout(resolve, 3200))
    expect(tab.socket.id).toBe(id)
    expect(tab.socket.connected).toBe(true)
  })
})

describe('a CONNECT that is under way', () => {
  let app: TestApp
  let slow: PromiseWithResolvers<void>
  beforeAll(async () => {
    app = await startApp()
    // Stands for a key set or an engine that takes its time.
    const { arrivals } = app.app.engine
    const { enter } = arrivals
    arrivals.enter = async (users) => {
      const results = await enter.call(arrivals, users)
      await slow?.promise
      return results
    }
  })
  afterAll(() => app.close())

  test('is not let through by a disconnect that comes meanwhile', async () => {
    slow = Promise.withResolvers()
    const tab = app.tabWith({ token: app.token('ada', { issuedAt: now() - 5 }), since: {} })
    const refused = tab.connected().catch((error) => error.data)
    await until(async () => app.app.hub.counts.connections === 1, 3000)
    expect((await app.post('/users/ada/disconnect', { revoke: true })).status).toBe(202)
    slow.resolve()
    expect(await refused).toMatchObject({ code: 'token_revoked' })
  })

  test('leaves nothing behind when its tab goes meanwhile', async () => {
    slow = Promise.withResolvers()
    const tab = app.tab('bob')
    await until(async () => app.app.hub.counts.connections === 1, 3000)
    tab.close()
    await until(async () => app.app.hub.counts.connections === 0, 3000)
    slow.resolve()
    const next = await app.tab('cem').connected()
    expect(app.app.hub.counts).toMatchObject({ connections: 1, channels: 1 })
    expect(app.app.sockets!.counts.connections).toBe(1)
    next.close()
  })
})

test('CORS_ORIGINS=* lets polling pages of every origin read the answers', async () => {
  const app = await startApp({ CORS_ORIGINS: '*' })
  try {
    const response = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: 'https://elsewhere.example' },
    })
    expect(response.headers.get('access-control-allow-origin')).toBe('https://elsewhere.example')
  } finally {
    await app.close()
  }
})

describe('without a token', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ ANONYMOUS: 'on', PUBLIC_ROOMS: 'news,city:*', JOIN_ROOMS: 'all' })
  })
  afterAll(() => app.close())

  test('public rooms can be heard, others cannot', async () => {
    const tab = await app.tabWith({}).connected()
    expect(await tab.ask('subscribe', 'news')).toMatchObject({ ok: true, seq: 0, messages: [] })
    expect(await tab.ask('subscribe', 'city:bern')).toMatchObject({ ok: true })
    expect(await tab.ask('subscribe', 'newsroom')).toMatchObject({
      ok: false,
      error: { code: 'room_forbidden' },
    })
    await app.message('news', { body: 'Rain' })
    expect((await tab.sees('message'))[0]).toMatchObject({ room: 'news', body: 'Rain' })
  })

  test('everyone is in the rooms that are joined by themselves, with a token or not', async () => {
    const tabs = await Promise.all([app.tabWith({}).connected(), app.tab('ada').connected()])
    expect((await app.message('all', { body: 'To everyone' })).connections).toBeGreaterThanOrEqual(2)
    for (const tab of tabs) expect((await tab.sees('message'))[0].body).toBe('To everyone')
  })
})
