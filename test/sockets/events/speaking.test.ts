import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_DEPTH } from '../../../src/core/json/depth.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { nested } from '../../support/nested.ts'
import { startRedis } from '../../support/programs/redis.ts'
import { signToken } from '../../support/tokens.ts'
import { until } from '../../support/until.ts'

describe('speaking in a room from the page', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({ PUBLIC_ROOMS: 'square', ANONYMOUS: 'on', MAX_MESSAGES_PER_SECOND: '5' })
  })
  afterAll(() => app.close())

  const forbidden = { ok: false, error: { code: 'room_forbidden', temporary: false } }
  const speaker = (user = 'ada') => app.tab(user, { grants: { publish: ['den', 'team:*'] } }).connected()

  test('what is said is numbered, and heard by all with the name of the speaker', async () => {
    const listener = await app.tab('bob', { grants: { rooms: ['den'] } }).connected()
    await listener.ask('subscribe', 'den')
    const tab = await speaker()
    const data = { list: [], n: 1.5, text: 'é\u2028' }
    const answer = await tab.ask('publish', 'den', { type: 'chat', body: 'Hello', data })
    expect(answer).toEqual({ ok: true, id: expect.any(String), seq: 1, epoch: expect.any(String) })
    const [heard] = await listener.sees('message')
    const { id, seq, epoch } = answer
    expect(heard).toMatchObject({
      id,
      seq,
      epoch,
      room: 'den',
      type: 'chat',
      from: 'ada',
      body: 'Hello',
      data,
    })
    expect(tab.seen).toEqual([])
  })

  test('a token, a room token or a membership allows it; hearing alone does not', async () => {
    const tab = await speaker()
    const say = (room: string) => tab.ask('publish', room, { body: 'x' })
    for (const room of ['den', 'team:7']) expect(await say(room), room).toMatchObject({ ok: true })
    for (const room of ['square', 'dens']) expect(await say(room), room).toMatchObject(forbidden)

    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'cem', aud: 'tabcast:room', room: 'vault', iat: now, exp: now + 60 }
    const other = await app.tab('cem').connected()
    const sayThere = (room: string) => other.ask('publish', room, { body: 'x' })
    await other.ask('subscribe', 'vault', { token: signToken(app.jwtSecret, claims) })
    expect(await sayThere('vault')).toMatchObject(forbidden)
    await other.ask('subscribe', 'vault', { token: signToken(app.jwtSecret, { ...claims, publish: true }) })
    expect(await sayThere('vault')).toMatchObject({ ok: true })
    await app.join('cem', 'club')
    await other.sees('subscribed')
    expect(await sayThere('club')).toMatchObject(forbidden)
    await app.join('cem', 'club', { publish: true })
    await app.notify('cem', { title: 'after it' })
    await other.sees('notification')
    expect(await sayThere('club')).toMatchObject({ ok: true })
    await app.expel('cem', 'club')
    await other.sees('unsubscribed')
    expect(await sayThere('club')).toMatchObject(forbidden)
  })

  test('an anonymous connection never speaks', async () => {
    const tab = await app.tabWith({}).connected()
    expect(await tab.ask('publish', 'square', { body: 'x' })).toMatchObject(forbidden)
  })

  test('the same key is said once, and is nobody else’s', async () => {
    const [tab, other] = [await speaker('dan'), await speaker('eve')]
    const say = (from: typeof tab, body: string) =>
      from.ask('publish', 'den', { body }, { idempotencyKey: 'k' })
    const first = await say(tab, 'once')
    expect(await say(tab, 'once')).toEqual(first)
    expect(await say(tab, 'other')).toMatchObject({ ok: false, error: { code: 'idempotency_conflict' } })
    const theirs = await say(other, 'once')
    expect(theirs.seq).toBe(first.seq + 1)
  })

  test.each([
    ['nothing', [undefined]],
    ['a text', ['hello']],
    ['neither body nor data', [{ type: 'chat' }]],
    ['an unknown field', [{ body: 'x', from: 'eve' }]],
    ['a type with a space', [{ body: 'x', type: 'a b' }]],
    ['a type of 101 characters', [{ body: 'x', type: 'a'.repeat(101) }]],
    ['a body of 4001 characters', [{ body: '😀'.repeat(4001) }]],
    ['a body that is a number', [{ body: 5 }]],
    ['data of 16,385 bytes', [{ data: 'x'.repeat(16_383) }]],
    ['a name that pages should not copy', [{ data: { deep: [JSON.parse('{"__proto__": {}}')] } }]],
    ['data nested one level too deep', [{ data: nested(MAX_DEPTH + 1) }]],
    ['binary', [{ data: { deep: [new Uint8Array([1])] } }]],
    ['a binary body', [{ body: Buffer.from('x') }]],
    ['an unknown option', [{ body: 'x' }, { key: 'x' }]],
    ['an empty key', [{ body: 'x' }, { idempotencyKey: '' }]],
    ['a key of 256 characters', [{ body: 'x' }, { idempotencyKey: 'k'.repeat(256) }]],
  ])('%s is refused', async (_name, args) => {
    const tab = await speaker()
    expect(await tab.ask('publish', 'den', ...args)).toMatchObject({
      ok: false,
      error: { code: 'invalid_request', temporary: false },
    })
    expect(tab.socket.connected).toBe(true)
  })

  test.each([
    ['a type of 100 characters', [{ body: 'x', type: 'a'.repeat(100) }]],
    ['a body of 4000 characters', [{ body: '😀'.repeat(4000) }]],
    ['data of 16,384 bytes', [{ data: 'x'.repeat(16_382) }]],
    ['data nested as deep as it may be', [{ data: nested(MAX_DEPTH) }]],
    ['a key of 255 characters', [{ body: 'x' }, { idempotencyKey: 'k'.repeat(255) }]],
    ['data that is null', [{ data: null }, null]],
  ])('%s is allowed', async (_name, args) => {
    expect(await (await speaker()).ask('publish', 'den', ...args)).toMatchObject({ ok: true })
  })

  test('beyond the rate it has to wait, and stays connected', async () => {
    const tab = await speaker()
    const answers = await Promise.all(
      Array.from({ length: 11 }, () => tab.ask('publish', 'team:1', { body: 'x' })),
    )
    expect(answers.slice(0, 10).every(({ ok }) => ok)).toBe(true)
    expect(answers[10]).toMatchObject({ ok: false, error: { code: 'rate_limited', temporary: true } })
    expect(await tab.ask('unsubscribe', 'team:1')).toEqual({ ok: true })
  })

  test('while the engine is away the error says that it passes', async () => {
    const own = await startApp()
    const tab = await own.tab('ada', { grants: { publish: ['*'] }, reconnection: false }).connected()
    await own.app.engine.close()
    expect(await tab.ask('publish', 'den', { body: 'x' })).toMatchObject({
      ok: false,
      error: { temporary: true },
    })
    expect(tab.socket.connected).toBe(true)
    await own.close()
  })

  test('messages that wait for one that the engine does not take fail with it, and none overtakes it', async () => {
    const redis = await startRedis()
    const own = await startApp({ REDIS_URL: redis.url })
    try {
      const tab = await own.tab('ada', { grants: { publish: ['*'], rooms: ['*'] } }).connected()
      expect(await tab.ask('publish', 'den', { body: 'before' })).toMatchObject({ ok: true })
      redis.pause()
      const begin = performance.now()
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => tab.ask('publish', 'den', { body: String(index) })),
      )
      expect(performance.now() - begin).toBeLessThan(4000)
      for (const answer of answers) expect(answer).toMatchObject({ ok: false, error: { temporary: true } })
      redis.resume()
      await until(async () => (await tab.ask('publish', 'den', { body: 'after' })).ok, 5000)
      const { messages } = await tab.ask('subscribe', 'den', { last: 100 })
      const bodies = messages.map(({ body }: { body: string }) => body)
      expect(bodies.filter((body: string) => body !== '0')).toEqual(['before', 'after'])
    } finally {
      redis.resume()
      await own.close()
      await redis.stop()
    }
  })
})
