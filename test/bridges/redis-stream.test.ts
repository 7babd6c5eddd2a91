import { randomUUID } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MAX_DEAD } from '../../src/bridges/redis-stream.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { isLong } from '../support/long.ts'
import { type RedisServer, startRedis, startRedisCluster } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { rejectionsOf } from './listening.ts'

const STREAM = 'tabcast:in'
/** Entries that nobody can publish. */
const RUBBISH = isLong ? 10_000 : 3000
/** Number of times that a process is killed. */
const ROUNDS = isLong ? 4 : 2

describe('the bridge that reads a stream of Redis', () => {
  let redis: RedisServer
  let client: Redis
  let app: TestApp

  beforeAll(async () => {
    redis = await startRedis()
    client = new Redis(redis.url)
    app = await startApp({ REDIS_URL: redis.url, BRIDGE_REDIS_STREAM: STREAM, LOG_LEVEL: 'silent' })
  })

  afterAll(async () => {
    await app.close()
    client.disconnect()
    await redis.stop()
  })

  const isEmpty = () => until(async () => (await client.xlen(STREAM)) === 0, 20_000)
  /** The fields of the refused entries, the oldest first. */
  const dead = async (): Promise<Record<string, string>[]> =>
    (await client.xrange(`${STREAM}:dead`, '-', '+')).map(([, flat]) =>
      Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]!]] : []))),
    )

  test('what redis-cli adds is stored for a user, or for a room', async () => {
    const tab = await app.tab('demo', { grants: { rooms: ['lobby'] } }).connected()
    await tab.ask('subscribe', 'lobby')
    await redis.cli(
      'XADD',
      STREAM,
      '*',
      'user',
      'demo',
      'notification',
      '{"title": "hello", "data": 9007199254740993}',
    )
    await redis.cli('XADD', STREAM, '*', 'room', 'lobby', 'message', '{"body": "hi", "type": "chat"}')
    expect(await tab.sees('notification')).toMatchObject([
      { title: 'hello', data: 9_007_199_254_740_992, seq: expect.any(Number) },
    ])
    expect(await tab.sees('message')).toMatchObject([{ body: 'hi', type: 'chat', seq: 1 }])
    await isEmpty()
    expect(await client.xpending(STREAM, 'tabcast')).toEqual([0, null, null, null])
  })

  test('the order of the stream is the order of the log', async () => {
    const tab = await app.tab('ada').connected()
    const pipeline = client.pipeline()
    for (let index = 0; index < 500; index++)
      pipeline.xadd(STREAM, '*', 'user', 'ada', 'notification', JSON.stringify({ title: `${index}` }))
    await pipeline.exec()
    const seen = await tab.sees('notification', 500)
    expect(seen.map(({ title, seq }) => [title, seq])).toEqual(
      seen.map((_, index) => [`${index}`, index + 1]),
    )
  })

  test.each([
    ['no JSON', ['user', 'demo', 'notification', '{'], 'malformed_json'],
    ['a field that is not known', ['user', 'demo', 'notification', '{"titel": ""}'], 'invalid_request'],
    ['nothing to show', ['room', 'demo', 'message', '{}'], 'invalid_request'],
    ['no user', ['user', '', 'notification', '{"title": ""}'], 'invalid_request'],
    [
      'a user that is not UTF-8',
      ['user', Buffer.from([0xff]), 'notification', '{"title": ""}'],
      'invalid_request',
    ],
    [
      'JSON that is nested too deeply',
      ['room', 'demo', 'message', `{"data": ${'['.repeat(101)}${']'.repeat(101)}}`],
      'invalid_request',
    ],
    ['other fields', ['user', 'demo', 'message', '{"body": ""}'], 'invalid_request'],
    ['a field too many', ['user', 'demo', 'notification', '{"title": ""}', 'x', 'y'], 'invalid_request'],
    ['a field twice', ['user', 'a', 'user', 'b', 'notification', '{"title": ""}'], 'invalid_request'],
    [
      'sendAt',
      ['user', 'demo', 'notification', '{"title": "", "sendAt": "2099-01-01T00:00:00Z"}'],
      'unsupported_field',
    ],
    [
      'a webhook that has no URL to go to',
      ['user', 'demo', 'notification', '{"title": "", "webhook": {"events": ["read"]}}'],
      'invalid_request',
    ],
  ])('an entry with %s is kept elsewhere, with the reason', async (_name, fields, code) => {
    await client.del(`${STREAM}:dead`)
    const before = await rejectionsOf(app.url, 'redis-stream')
    const entry = await client.xadd(STREAM, '*', ...fields)
    await isEmpty()
    expect(await dead()).toMatchObject([{ entry, code, reason: expect.stringMatching(/.{10}/) }])
    expect(await rejectionsOf(app.url, 'redis-stream')).toBe(before + 1)
  })

  test(`${RUBBISH} rubbish entries are one figure, of which the last 1,000 are kept`, async () => {
    await client.del(`${STREAM}:dead`)
    const before = await rejectionsOf(app.url, 'redis-stream')
    const add = async (count: number): Promise<void> => {
      const pipeline = client.pipeline()
      for (let index = 0; index < count; index++) pipeline.xadd(STREAM, '*', 'no', `${index}`)
      await pipeline.exec()
      await isEmpty()
    }
    await add(MAX_DEAD)
    expect(await client.xlen(`${STREAM}:dead`)).toBe(MAX_DEAD)
    await add(RUBBISH - MAX_DEAD)
    expect(await client.xlen(`${STREAM}:dead`)).toBe(MAX_DEAD)
    expect((await dead()).at(-1)).toMatchObject({ no: `${RUBBISH - 1 - MAX_DEAD}` })
    expect(await rejectionsOf(app.url, 'redis-stream')).toBe(before + RUBBISH)
  })

  test('an entry that comes again under its id is not published again', async () => {
    const tab = await app.tab('once').connected()
    const add = async (id: string, title: string): Promise<void> => {
      await client.xadd(STREAM, id, 'user', 'once', 'notification', JSON.stringify({ title }))
      await isEmpty()
      // As a store that came back older; the bridge makes its group again.
      await client.del(STREAM)
    }
    await client.del(STREAM, `${STREAM}:dead`)
    await add('1-1', 'once')
    await add('1-1', 'once')
    await add('1-1', 'another')
    await add('1-2', 'end')
    await tab.sees('notification', 2)
    expect(tab.all('notification').map(({ title }) => title)).toEqual(['once', 'end'])
    expect(await dead()).toMatchObject([{ entry: '1-1', code: 'idempotency_conflict' }])
  })
})

describe('the bridge that reads a stream, when something dies', () => {
  let redis: RedisServer
  let client: Redis
  const running: Tabcast[] = []
  const env = () => ({
    REDIS_URL: redis.url,
    BRIDGE_REDIS_STREAM: STREAM,
    JWT_SECRET: 'jwt-secret-of-the-tests-0123456789abcdef',
    ROOM_RETENTION_COUNT: '100000',
  })
  const start = async (role: string): Promise<Tabcast> => {
    const tabcast = await startTabcast({ ...env(), ROLE: role })
    running.push(tabcast)
    return tabcast
  }

  beforeEach(async () => {
    redis = await startRedis({ aof: true })
    client = new Redis(redis.url)
    client.on('error', () => undefined)
  })

  afterEach(async () => {
    await Promise.all(running.splice(0).map((tabcast) => tabcast.kill()))
    client.disconnect()
    await redis.stop()
  })

  test('each entry is stored once, though processes are killed in between', async () => {
    const worker = await start('worker')
    const token = browserToken(env().JWT_SECRET, { user: 'ada', rooms: ['*'] })
    const tab = await new TestTab(worker.url, { token }).connected()
    await tab.ask('subscribe', 'lobby')
    let api = await start('api')
    const names: string[] = []
    const add = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        const body = randomUUID()
        names.push(body)
        await client.xadd(STREAM, '*', 'room', 'lobby', 'message', JSON.stringify({ body }))
      }
    }
    for (let round = 0; round < ROUNDS; round++) {
      const before = tab.all('message').length
      const adding = add(600)
      await tab.sees('message', before + 50)
      await api.kill()
      await adding
      api = await start('api')
    }
    await until(async () => (await client.xlen(STREAM)) === 0, 30_000)
    const seen = await tab.sees('message', names.length)
    expect(new Set(seen.map(({ body }) => body))).toEqual(new Set(names))
    expect(seen.map(({ seq }) => seq)).toEqual(names.map((_, index) => index + 1))
    tab.close()
  }, 90_000)

  test('it goes on after Redis was away, with what it had', async () => {
    const tabcast = await start('all')
    await redis.cli('XADD', STREAM, '*', 'user', 'ada', 'notification', '{"title": "before"}')
    await until(async () => (await client.xlen(STREAM)) === 0, 20_000)
    await redis.restart()
    await redis.cli('XADD', STREAM, '*', 'user', 'ada', 'notification', '{"title": "after"}')
    await until(async () => (await redis.cli('XLEN', STREAM)) === '0\n', 10_000)
    const token = browserToken(env().JWT_SECRET, { user: 'ada' })
    const tab = await new TestTab(tabcast.url, { token, since: { seq: 0 } }).connected()
    expect(await tab.sees('notification', 2)).toMatchObject([{ title: 'before' }, { title: 'after' }])
    await client.flushall()
    await redis.cli('XADD', STREAM, '*', 'user', 'ada', 'notification', '{"title": "wiped"}')
    expect((await tab.sees('notification', 3)).at(-1)).toMatchObject({ title: 'wiped' })
    tab.close()
  }, 40_000)
})

test('the bridge reads a stream of a Cluster', async () => {
  const cluster = await startRedisCluster()
  const app = await startApp({ REDIS_URL: cluster.url, BRIDGE_REDIS_STREAM: STREAM, LOG_LEVEL: 'silent' })
  const client = new Cluster(cluster.nodes.map(({ url }) => url))
  const tab = await app.tab('ada').connected()
  await client.xadd(STREAM, '*', 'no', 'user')
  await client.xadd(STREAM, '*', 'user', 'ada', 'notification', '{"title": "cluster"}')
  expect(await tab.sees('notification')).toMatchObject([{ title: 'cluster' }])
  await until(async () => (await client.xlen(STREAM)) === 0, 20_000)
  expect(await client.xlen(`${STREAM}:dead`)).toBe(1)
  client.disconnect()
  await app.close()
  await cluster.stop()
}, 60_000)
