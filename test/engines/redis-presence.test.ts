import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { roomChannel, userChannel } from '../../src/core/channel.ts'
import type { Engine } from '../../src/core/engine.ts'
import { draftOf } from '../support/drafts.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { openWatched } from '../support/watched-engine.ts'

/** How long a busy machine may take, in milliseconds. */
const DONE = 10_000

const channel = userChannel('ada')
let redis: RedisServer
let here: Engine
let there: Engine
beforeEach(async () => {
  redis = await startRedis({ aof: true })
  ;[here, there] = await Promise.all([openWatched(redis.url), openWatched(redis.url)])
})
afterEach(async () => {
  await Promise.all([here.close(), there.close()])
  await redis.stop()
})

const countOf = async (name = channel): Promise<number> =>
  (await there.presence.count([name]))[0]!.connections
const fields = async (): Promise<number> => Number(await redis.cli('hlen', 'tabcast:{user:ada}:connections'))

test('a count that could not be withdrawn is withdrawn when Redis is back, though others have theirs', async () => {
  for (const engine of [here, there]) await engine.presence.announce(channel, 1)
  expect(await countOf()).toBe(2)
  await redis.kill()
  await expect(here.presence.announce(channel, 0)).rejects.toMatchObject({ temporary: true })
  await redis.restart()
  await until(async () => (await fields()) === 1, DONE)
  expect(await countOf()).toBe(1)
  expect((await here.broker.publish(draftOf(channel))).connections).toBe(1)
})

test('what was stated since then is not withdrawn', async () => {
  const other = roomChannel('den')
  await here.presence.announce(other, 1)
  await here.presence.announce(channel, 2)
  await redis.kill()
  const withdrawn = here.presence.announce(channel, 0)
  const stated = here.presence.announce(channel, 2)
  await expect(withdrawn).rejects.toMatchObject({ temporary: true })
  await expect(stated).rejects.toMatchObject({ temporary: true })
  await expect(here.presence.announce(other, 0)).rejects.toMatchObject({ temporary: true })
  await redis.restart()
  // It comes after the first.
  await until(async () => (await countOf(other)) === 0, DONE)
  expect(await countOf()).toBe(2)
})

test('the count of a process that has long been dead is taken out by whoever meets it, and no other', async () => {
  for (const engine of [here, there]) await engine.presence.announce(channel, 1)
  await here.close()
  await until(async () => (await countOf()) === 1, DONE)
  expect(await fields()).toBe(2)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 110_000 })
  try {
    expect(await countOf()).toBe(1)
    expect(await fields()).toBe(2)
    vi.setSystemTime(Date.now() + 15_000)
    expect((await there.broker.publish(draftOf(channel))).connections).toBe(1)
    await until(async () => (await fields()) === 1, DONE)
    expect(await countOf()).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})
