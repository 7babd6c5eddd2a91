import { afterEach, beforeEach, expect, test } from 'vitest'
import { userChannel } from '../../../../src/core/model/channel.ts'
import { startApp } from '../../../support/app.ts'
import { draftOf } from '../../../support/drafts.ts'
import { openProbed, type ProbedEngine } from '../../../support/probed-engine.ts'
import { type RedisServer, startRedis } from '../../../support/programs/redis.ts'
import { until } from '../../../support/until.ts'

/** An answer within two seconds; the rest is for a busy machine. */
const ANSWERED = 2400

const channel = userChannel('ada')
let master: RedisServer
let replica: RedisServer
let engine: ProbedEngine

beforeEach(async () => {
  master = await startRedis()
  replica = await startRedis({ settings: { replicaof: `127.0.0.1 ${master.port}` } })
  // It is sent what is written only after its first acknowledgement.
  await until(async () => {
    await master.cli('set', 'something', 'written')
    return /state=online,offset=[1-9]/.test(await master.cli('info', 'replication'))
  }, 10_000)
  engine = await openProbed(master.url, { replicas: 1 })
})
afterEach(async () => {
  await engine.close()
  await Promise.all([master.stop(), replica.stop()])
})

test('what is answered is on the replica, and many publishes share a WAIT', async () => {
  const { seq } = await engine.broker.publish(draftOf(channel))
  expect(await replica.cli('lindex', 'tabcast:{user:ada}:events', '0')).toMatch(`${seq} `)
  await Promise.all(
    Array.from({ length: 200 }, (_, number) => engine.broker.publish(draftOf(channel, number))),
  )
  expect(await replica.cli('llen', 'tabcast:{user:ada}:events')).toBe('201\n')
  const waits = Number(/cmdstat_wait:calls=(\d+)/.exec(await master.cli('info', 'commandstats'))![1])
  expect(waits).toBeGreaterThan(0)
  expect(waits).toBeLessThanOrEqual(20)
})

test('without the replica it is refused in time, and the same key completes it later', async () => {
  // From here on there is a connection that waits, whose own last write is an older one.
  await engine.broker.publish(draftOf(channel))
  replica.pause()
  const start = performance.now()
  const draft = draftOf(channel, 'once', { idempotency: { key: 'k', fingerprint: 'f' } })
  for (const _ of ['the first time', 'and again'])
    await expect(engine.broker.publish(draft)).rejects.toMatchObject({
      code: 'replicas_missing',
      status: 503,
      temporary: true,
    })
  expect(performance.now() - start).toBeLessThan(2 * ANSWERED)
  replica.resume()
  expect(await engine.broker.publish(draft)).toMatchObject({ id: draft.id, seq: 2, replayed: true })
  expect(await replica.cli('llen', 'tabcast:{user:ada}:events')).toBe('2\n')
})

test('everyone who comes while a WAIT is stuck is answered in time as well', async () => {
  replica.pause()
  const publish = async (): Promise<void> => {
    const start = performance.now()
    await expect(engine.broker.publish(draftOf(channel))).rejects.toMatchObject({ code: 'replicas_missing' })
    expect(performance.now() - start).toBeLessThan(ANSWERED)
  }
  const waiting = [publish()]
  await until(async () => (await master.cli('llen', 'tabcast:{user:ada}:events')) === '1\n', ANSWERED)
  waiting.push(publish(), publish())
  await Promise.all(waiting)
})

test('what is ephemeral waits for nobody', async () => {
  replica.pause()
  expect(await engine.broker.publish(draftOf(channel, 1, { stored: false }))).toMatchObject({ seq: 0 })
})

test('more replicas than there are is an error, and REDIS_WAIT asks for that many', async () => {
  const server = await startApp({ REDIS_URL: master.url, REDIS_WAIT: '2' })
  const answer = await server.post('/notify/ada', { title: 'Hello' })
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({
    code: 'replicas_missing',
    detail: expect.stringMatching('1 of 2'),
  })
  await server.close()
  const enough = await startApp({ REDIS_URL: master.url, REDIS_WAIT: '1' })
  expect((await enough.post('/notify/ada', { title: 'Hello' })).status).toBe(201)
  await enough.close()
})
