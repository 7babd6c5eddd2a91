import { createHash, createHmac } from 'node:crypto'
import Pusher from 'pusher'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_PUSHER_AGE } from '../../../src/api/compatible/pusher-signature.ts'
import { MAX_DEPTH } from '../../../src/core/json/depth.ts'
import { rejectionsOf } from '../../bridges/listening.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { nested } from '../../support/nested.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import type { TestTab } from '../../support/tab.ts'

const SECRET = 'the-secret-of-the-app'

describe.each(['embedded', 'redis'])('the Pusher API, on %s', (engine) => {
  let redis: RedisServer
  let app: TestApp
  let pusher: Pusher

  beforeAll(async () => {
    redis = await startRedis()
    const store: Record<string, string> = engine === 'redis' ? { REDIS_URL: redis.url } : {}
    app = await startApp({ ...store, PUSHER_API: `7:app-key:${SECRET}`, LOG_LEVEL: 'silent' })
    const { hostname: host, port } = new URL(app.url)
    pusher = new Pusher({ appId: '7', key: 'app-key', secret: SECRET, host, port, useTLS: false })
  })

  afterAll(async () => {
    await app.close()
    await redis.stop()
  })

  const tabIn = async (...rooms: string[]): Promise<TestTab> => {
    const tab = await app.tab('ada', { grants: { rooms: ['*'] } }).connected()
    for (const room of rooms) expect(await tab.ask('subscribe', room)).toMatchObject({ ok: true })
    return tab
  }

  /** Calls as no SDK would; the signature is right for what is given. */
  const call = (
    body: string,
    parameters: Record<string, string> = {},
    { path = '/apps/7/events', secret = SECRET } = {},
  ): Promise<Response> => {
    const signed: Record<string, string> = {
      auth_key: 'app-key',
      auth_timestamp: String(Math.floor(Date.now() / 1000)),
      auth_version: '1.0',
      body_md5: createHash('md5').update(body).digest('hex'),
      ...parameters,
    }
    const text = Object.keys(signed)
      .sort()
      .map((name) => `${name}=${signed[name]}`)
    const signature = createHmac('sha256', secret)
      .update(`POST\n${path}\n${text.join('&')}`)
      .digest('hex')
    const query = new URLSearchParams({ ...signed, auth_signature: signature })
    return fetch(`${app.url}${path}?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  }
  const event = (fields: object = {}): string =>
    JSON.stringify({ name: 'e', channels: ['room'], data: '{}', ...fields })

  test('trigger is a stored message in each room, with the name of the event as its type', async () => {
    const tab = await tabIn('one', 'two')
    await pusher.trigger(['one', 'two'], 'App\\Events\\Order shipped', { id: 1 })
    await pusher.trigger('one', 'text', 'not JSON' as never)
    const seen = await tab.sees('message', 3)
    expect(seen).toMatchObject([
      { type: 'App\\Events\\Order shipped', data: { id: 1 }, seq: 1 },
      { type: 'App\\Events\\Order shipped', data: { id: 1 }, seq: 1 },
      { room: 'one', type: 'text', data: 'not JSON', seq: 2 },
    ])
    expect(new Set(seen.map(({ room }) => room))).toEqual(new Set(['one', 'two']))
    const history = await fetch(`${app.url}/rooms/one/messages`, {
      headers: { authorization: `Bearer ${app.apiKey}` },
    })
    expect(((await history.json()) as { messages: object[] }).messages).toHaveLength(2)
  })

  test('triggerBatch sends several, in order', async () => {
    const tab = await tabIn('batch')
    const batch = Array.from({ length: 10 }, (_, index) => ({
      channel: 'batch',
      name: `event-${index}`,
      data: String(index),
    }))
    await pusher.triggerBatch(batch)
    const seen = await tab.sees('message', 10)
    expect(seen.map(({ type, seq }) => [type, seq])).toEqual(
      batch.map(({ name }, index) => [name, index + 1]),
    )
  })

  test('sendToUser is a notification', async () => {
    const tab = await tabIn()
    await pusher.sendToUser('ada', 'App\\Events\\Hello', { id: 2 })
    expect(await tab.sees('notification')).toMatchObject([
      { type: 'App\\Events\\Hello', data: { id: 2 }, seq: 1 },
    ])
  })

  test('socket_id is left out', async () => {
    const [sender, other] = await Promise.all([tabIn('room'), tabIn('room')])
    await call(event({ name: 'first', socket_id: sender.socket.id }))
    await call(event({ name: 'second' }))
    expect((await other.sees('message', 2)).map(({ type }) => type)).toEqual(['first', 'second'])
    expect((await sender.sees('message')).map(({ type }) => type)).toEqual(['second'])
  })

  test.each(['1\n2', '1 2', '', 'x'.repeat(65), 'ü'])(
    'the socket_id %j is refused, and leaves nothing',
    async (socket_id) => {
      const tab = await tabIn('kept')
      await call(event({ name: 'before', channels: ['kept'] }))
      const user = { channels: undefined, channel: '#server-to-user-ada' }
      for (const target of [{ channels: ['kept'] }, user])
        expect((await call(event({ ...target, socket_id }))).status).toBe(400)
      await call(event({ name: 'after', channels: ['kept'] }))
      expect((await tab.sees('message', 2)).map(({ type }) => type)).toEqual(['before', 'after'])
      const history = await fetch(`${app.url}/rooms/kept/messages`, {
        headers: { authorization: `Bearer ${app.apiKey}` },
      })
      expect(history.status).toBe(200)
    },
  )

  test.each(['123.456', 'x'.repeat(64)])('the socket_id %s may be nobody’s', async (socket_id) => {
    expect((await call(event({ socket_id }))).status).toBe(200)
  })

  test('a caller without the secret gets one line of text that says so', async () => {
    const { hostname: host, port } = new URL(app.url)
    const stranger = new Pusher({ appId: '7', key: 'app-key', secret: 'guessed', host, port, useTLS: false })
    await expect(stranger.trigger('room', 'e', {})).rejects.toMatchObject({
      status: 401,
      body: 'auth_signature does not match: check the secret\n',
    })
  })

  test.each([
    ['another key', { auth_key: 'other' }, 401],
    ['another version', { auth_version: '2.0' }, 400],
    ['another body', { body_md5: '0'.repeat(32) }, 401],
    ['a parameter that is not known', { info: 'user_count' }, 400],
  ])('%s is refused', async (_name, parameters, status) => {
    const before = await rejectionsOf(app.url, 'pusher-api')
    expect((await call(event(), parameters)).status).toBe(status)
    expect(await rejectionsOf(app.url, 'pusher-api')).toBe(before + 1)
  })

  test('another app, and another signature, are refused', async () => {
    expect((await call(event(), {}, { path: '/apps/8/events' })).status).toBe(404)
    expect((await fetch(`${app.url}/apps/7/events`, { method: 'POST' })).status).toBe(401)
    expect((await call(event(), {}, { secret: 'x' })).status).toBe(401)
  })

  test.each([-1, 1])('a clock may be 600 s away, and no more (%i)', async (sign) => {
    const at = (seconds: number) =>
      call(event(), { auth_timestamp: String(Math.floor(Date.now() / 1000) + sign * seconds) })
    expect((await at(MAX_PUSHER_AGE)).status).toBe(200)
    expect((await at(MAX_PUSHER_AGE + 2)).status).toBe(401)
  })

  const name = 'x'.repeat(200)
  const channels = Array.from({ length: 100 }, (_, index) => `room-${index}`)
  const batch = (count: number) =>
    JSON.stringify({ batch: Array.from({ length: count }, () => ({ channel: 'room', name: 'e', data: '' })) })

  test.each([
    ['characters of a name', { name }, { name: `${name}x` }],
    ['characters of a channel', { channels: [name] }, { channels: [`${name}x`] }],
    ['channels', { channels }, { channels: [...channels, 'another'] }],
  ])('as many %s as on Pusher', async (_name, allowed, refused) => {
    expect((await call(event(allowed))).status).toBe(200)
    expect((await call(event(refused))).status).toBe(400)
  })

  test('data with a name that pages should not copy is refused', async () => {
    expect((await call(event({ data: '{"a":{"__proto__":{}}}' }))).status).toBe(400)
    expect((await call(event({ data: '{"a":{"proto":{}}}' }))).status).toBe(200)
  })

  test('data may be nested up to the limit, and no deeper', async () => {
    const data = (depth: number) => JSON.stringify(nested(depth))
    expect((await call(event({ data: data(MAX_DEPTH) }))).status).toBe(200)
    expect((await call(event({ data: data(MAX_DEPTH + 1) }))).status).toBe(400)
  })

  test.each([
    ['backslashes', '\\'],
    ['lines', '\n'],
    ['quotes', '"'],
    ['control characters', '\u0001'],
    ['characters of two bytes', 'ü'],
  ])('%s are counted as the bytes that they are', async (_name, character) => {
    const text = (bytes: number) => character.repeat(bytes / Buffer.byteLength(character))
    const tab = await tabIn('bytes')
    for (const target of [{ channels: ['bytes'] }, { channels: undefined, channel: '#server-to-user-bob' }]) {
      const fields = { ...target, name: 'large' }
      expect((await call(event({ ...fields, data: text(10_240) }))).status).toBe(200)
      expect((await call(event({ ...fields, data: `${text(10_240)}x` }))).status).toBe(413)
    }
    expect((await tab.sees('message'))[0]).toMatchObject({ type: 'large', data: text(10_240) })
  })

  test.each<[string, object, number]>([
    ['data too large', { data: 'x'.repeat(10_241) }, 413],
    ['data too deep', { data: JSON.stringify(nested(MAX_DEPTH + 1)) }, 400],
    ['a user who cannot be', { channel: '#server-to-user-\u0001' }, 400],
    ['half a character in a name', { channel: '#server-to-user-ada', name: '\ud800' }, 400],
  ])('a batch with one event that is refused, for %s, is not stored in part', async (_name, bad, status) => {
    const tab = await tabIn('whole')
    const good = { channel: 'whole', name: 'part', data: '1' }
    const batch = [good, { ...good, ...bad }, good, { ...good, channel: '#server-to-user-ada' }]
    const path = '/apps/7/batch_events'
    expect((await call(JSON.stringify({ batch }), {}, { path })).status).toBe(status)
    const last = { channel: 'whole', name: 'last', data: '2' }
    expect((await call(JSON.stringify({ batch: [last] }), {}, { path })).status).toBe(200)
    expect((await tab.sees('message')).map(({ type }) => type)).toEqual(['last'])
    expect(tab.all('notification')).toEqual([])
  })

  test('as many bytes of data, and events in a batch, as on Pusher', async () => {
    expect((await call(event({ data: 'x'.repeat(10_240) }))).status).toBe(200)
    expect((await call(event({ data: 'x'.repeat(10_241) }))).status).toBe(413)
    const path = '/apps/7/batch_events'
    expect((await call(batch(10), {}, { path })).status).toBe(200)
    expect((await call(batch(11), {}, { path })).status).toBe(400)
  })

  test.each([
    'no JSON',
    '[]',
    '{}',
    event({ channel: 'both' }),
    event({ channels: ['a b'] }),
    event({ channels: ['#server-to-user-\u0001'] }),
  ])('the body %s is refused', async (body) => {
    const answer = await call(body)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toContain('text/plain')
  })

  test('the routes are described as long as the API is open', async () => {
    const { paths } = (await (await fetch(`${app.url}/openapi.json`)).json()) as { paths: object }
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/apps/{app}/events', '/apps/{app}/batch_events']),
    )
  })
})
