import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import {
  type RedisCluster,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from '../support/programs/redis.ts'
import { until } from '../support/until.ts'
import { areListening, rejectionsOf } from './listening.ts'

const BRIDGES = {
  BRIDGE_REDIS_PUBLISH: JSON.stringify([{ channel: 'news', room: 'news' }]),
  BRIDGE_SOCKETIO_EMITTER: 'socket.io',
  LOG_LEVEL: 'silent',
}

const enter = async (app: TestApp) => {
  const tab = await app.tab('ada', { grants: { rooms: ['news'] } }).connected()
  await tab.ask('subscribe', 'news')
  return tab
}

describe('the bridges that listen to a Redis', () => {
  let redis: RedisServer
  let proxy: TcpProxy
  let client: Redis
  let app: TestApp

  beforeEach(async () => {
    redis = await startRedis()
    proxy = await startProxy(redis.port)
    client = new Redis(redis.url)
    client.on('error', () => undefined)
    app = await startApp({ REDIS_URL: `redis://127.0.0.1:${proxy.port}`, ...BRIDGES })
    await areListening(redis, 2)
  })

  afterEach(async () => {
    await app.close()
    client.disconnect()
    await proxy.close()
    await redis.stop()
  })

  test('10,000 rubbish messages on each are one figure, and nothing else', async () => {
    const tab = await enter(app)
    const sent = Array.from({ length: 10_000 }, (_, index) => {
      const rubbish = Buffer.concat([Buffer.from([0xff]), randomBytes(index % 200)])
      return Promise.all([client.publish('news', rubbish), client.publish('socket.io#/#', rubbish)])
    })
    await Promise.all(sent)
    await client.publish('news', 'end')
    expect(await tab.sees('message')).toMatchObject([{ body: 'end' }])
    const rejected = async (): Promise<number[]> =>
      Promise.all(['redis-publish', 'socketio-emitter'].map((source) => rejectionsOf(app.url, source)))
    await until(async () => (await rejected()).every((count) => count === 10_000), 5000)
    expect(tab.seen).toHaveLength(1)
  })

  test('a connection that was cut is replaced', async () => {
    const tab = await enter(app)
    proxy.cut()
    await areListening(redis, 2)
    await client.publish('news', 'after the cut')
    expect(await tab.sees('message')).toMatchObject([{ body: 'after the cut' }])
  })

  test('a connection that says nothing any more is replaced within five seconds', async () => {
    const tab = await enter(app)
    for (const connection of proxy.connections)
      if (connection.hasSent('tabcast-listener')) connection.set('frozen')
    await until(async () => {
      await client.publish('news', 'again')
      return tab.all('message').length > 0
    }, 5000)
  })

  test('a Redis that was away is listened to again', async () => {
    await redis.restart()
    await areListening(redis, 2)
    const tab = await enter(app)
    await client.publish('news', 'after the restart')
    expect(await tab.sees('message')).toMatchObject([{ body: 'after the restart' }])
  })
})

describe('the bridges that listen to a Cluster', () => {
  let cluster: RedisCluster
  let app: TestApp

  beforeEach(async () => {
    cluster = await startRedisCluster()
    app = await startApp({ REDIS_URL: cluster.url, ...BRIDGES })
  }, 40_000)

  afterEach(async () => {
    await app.close()
    await cluster.stop()
  })

  test('what is published on any node arrives', async () => {
    const tab = await enter(app)
    for (const [index, node] of cluster.nodes.entries())
      await until(async () => {
        await node.cli('publish', 'news', `node ${index}`)
        return tab.all('message').some(({ body }) => body === `node ${index}`)
      }, 5000)
  })
})
