import { Redis } from 'ioredis'
import { afterEach, expect, test } from 'vitest'
import { TopicListener } from '../../../../src/engines/redis/links/topic-listener.ts'
import { startProxy } from '../../../support/programs/proxy.ts'
import { startRedis } from '../../../support/programs/redis.ts'
import { until } from '../../../support/until.ts'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A subscriber behind a proxy, and how often it has said that something may have been missed. */
async function startSubscriber() {
  const redis = await startRedis()
  open.push(() => redis.stop())
  const proxy = await startProxy(redis.port)
  open.push(() => proxy.close())
  const client = new Redis({ port: proxy.port, enableOfflineQueue: false, autoResubscribe: false })
  const told = { restored: 0 }
  const subscriber = new TopicListener(
    client,
    false,
    () => undefined,
    () => told.restored++,
  )
  open.push(() => subscriber.close())
  await subscriber.subscribe('first')
  return { proxy, client, subscriber, told }
}

/** Turns of the event loop, in which what was asked for is sent. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('a topic that is left and wanted again is there when Redis says so, and not when it was asked', async () => {
  const { proxy, subscriber } = await startSubscriber()
  proxy.set('frozen')
  void subscriber.subscribe('den')
  await turns()
  subscriber.unsubscribe('den')
  let isThere = false
  const again = subscriber.subscribe('den').then(() => {
    isThere = true
  })
  await turns()
  expect(isThere).toBe(false)
  proxy.set('open')
  await again
})

test('what was cut is back when Redis has all of it, whatever is asked for meanwhile', async () => {
  const { proxy, client, subscriber, told } = await startSubscriber()
  proxy.cut()
  await new Promise<void>((resolve) => client.once('ready', () => resolve()))
  proxy.set('frozen')
  subscriber.unsubscribe('first')
  void subscriber.subscribe('first')
  await turns()
  expect(told.restored).toBe(0)
  proxy.set('open')
  await until(async () => told.restored === 1, 5000)
})
