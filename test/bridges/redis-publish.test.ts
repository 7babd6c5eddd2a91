import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MAX_DEPTH } from '../../src/core/json/depth.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { nested } from '../support/nested.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import type { TestTab } from '../support/tab.ts'
import { areListening, rejectionsOf } from './listening.ts'

const run = promisify(execFile)

/** Debian's, which has Debian's packages, whatever else is on the PATH. */
const PYTHON = '/usr/bin/python3'

const RULES = [
  { channel: 'channel:*', room: '*', event: 'msgReceived', replace: { '-': ' ' } },
  { channel: 'chart', room: 'charts' },
  { channel: 'laravel_database_private-*', room: '*' },
  { channel: 'odd[1]?*', room: 'odd *' },
]

describe('the bridge for what others publish in Redis', () => {
  let redis: RedisServer
  let client: Redis
  let app: TestApp

  beforeAll(async () => {
    redis = await startRedis()
    client = new Redis(redis.url)
    app = await startApp({
      REDIS_URL: redis.url,
      BRIDGE_REDIS_PUBLISH: JSON.stringify(RULES),
      LOG_LEVEL: 'silent',
    })
    await areListening(redis, RULES.length)
  })

  afterAll(async () => {
    await app.close()
    client.disconnect()
    await redis.stop()
  })

  const tabIn = async (...rooms: string[]): Promise<TestTab> => {
    const tab = await app.tab('ada', { grants: { rooms: ['*'] } }).connected()
    for (const room of rooms) expect(await tab.ask('subscribe', room)).toMatchObject({ ok: true })
    return tab
  }
  const rejected = (): Promise<number> => rejectionsOf(app.url, 'redis-publish')

  test('what redis-cli publishes is emitted under the name of the rule', async () => {
    const tab = await tabIn('big room', 'big-room')
    await redis.cli('publish', 'channel:big-room', 'hello, all')
    await redis.cli('publish', 'channel:big-room', '{"n": 9007199254740993}')
    await redis.cli('publish', 'channel:big-room', '42')
    expect(await tab.sees('msgReceived', 3)).toEqual(['hello, all', { n: 9_007_199_254_740_992 }, 42])
  })

  test('without an event it is a room message: text is its body, JSON its data', async () => {
    const tab = await tabIn('charts')
    await client.publish('chart', 'grüße')
    await client.publish('chart', '[1, 2]')
    await client.publish('chart', '"quoted"')
    const shared = { room: 'charts', type: 'message', createdAt: expect.stringMatching(/^\d{4}-.*Z$/) }
    expect(await tab.sees('message', 3)).toEqual([
      { ...shared, body: 'grüße' },
      { ...shared, data: [1, 2] },
      { ...shared, body: 'quoted' },
    ])
  })

  test('what python publishes arrives', async () => {
    const tab = await tabIn('charts')
    const code = `import json, redis
redis.Redis(port=${redis.port}).publish('chart', json.dumps({'from': 'python'}))`
    await run(PYTHON, ['-c', code])
    expect(await tab.sees('message')).toMatchObject([{ data: { from: 'python' } }])
  })

  test("Laravel's broadcasts keep event and data, and leave its socket out", async () => {
    const [sender, other] = await Promise.all([tabIn('orders.1'), tabIn('orders.1')])
    const broadcast = (data: object, socket: string | null) =>
      client.publish(
        'laravel_database_private-orders.1',
        JSON.stringify({ event: 'App\\Events\\OrderShipped', data, socket }),
      )
    await broadcast({ id: 1 }, sender.socket.id!)
    await broadcast({ id: 2 }, null)
    const message = { room: 'orders.1', type: 'App\\Events\\OrderShipped' }
    expect(await other.sees('message', 2)).toMatchObject([
      { ...message, data: { id: 1 } },
      { ...message, data: { id: 2 } },
    ])
    expect(await sender.sees('message')).toMatchObject([{ data: { id: 2 } }])
    expect(other.all('message')[0]).not.toHaveProperty('socket')
  })

  test('what Redis takes for a pattern in a channel is taken as it is', async () => {
    const tab = await tabIn('odd a', 'odd b')
    await client.publish('odd1xa', 'no')
    await client.publish('odd[1]?b', 'yes')
    expect(await tab.sees('message')).toMatchObject([{ room: 'odd b', body: 'yes' }])
  })

  test('only tabs that have subscribed the room get it', async () => {
    const [inside, outside] = await Promise.all([tabIn('charts'), app.tab('ada').connected()])
    expect(await outside.ask('subscribe', 'charts')).toMatchObject({ ok: false })
    await client.publish('chart', 'secret')
    await inside.sees('message')
    await app.notify('ada', { title: 'end' })
    await outside.sees('notification')
    expect(outside.all('message')).toEqual([])
  })

  test('JSON may be nested up to the limit, whatever becomes of it, and no deeper', async () => {
    const tab = await tabIn('charts', 'deep')
    const before = await rejected()
    const publish = (channel: string, depth: number) => client.publish(channel, JSON.stringify(nested(depth)))
    for (const channel of ['chart', 'channel:deep'])
      for (const depth of [MAX_DEPTH, MAX_DEPTH + 1]) await publish(channel, depth)
    await client.publish('chart', `${'['.repeat(8000)}1e400${']'.repeat(8000)}`)
    await client.publish('chart', 'end')
    expect(await tab.sees('message', 2)).toMatchObject([{ data: nested(MAX_DEPTH) }, { body: 'end' }])
    expect(tab.all('msgReceived')).toEqual([nested(MAX_DEPTH)])
    expect(await rejected()).toBe(before + 3)
  })

  test('a room that cannot be, and what is not UTF-8, are refused', async () => {
    const tab = await tabIn('charts')
    const before = await rejected()
    await client.publish('channel:', 'to no room')
    await client.publish(`channel:${'x'.repeat(257)}`, 'too long')
    await client.publish('chart', Buffer.from([0xff, 0xfe]))
    await client.publish('chart', '{"a":{"__proto__":{}}}')
    await client.publish('chart', 'end')
    expect(await tab.sees('message')).toMatchObject([{ body: 'end' }])
    expect(await rejected()).toBe(before + 4)
  })
})
