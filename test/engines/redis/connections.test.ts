import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { draftOf } from '../../support/drafts.ts'
import { openProbed } from '../../support/probed-engine.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

/** Milliseconds that a busy machine may take. */
const DONE = 10_000

const channel = userChannel('ada')
let redis: RedisServer
let here: Engine
let there: Engine
beforeEach(async () => {
  redis = await startRedis({ aof: true })
  ;[here, there] = await Promise.all([openProbed(redis.url), openProbed(redis.url)])
})
afterEach(async () => {
  await Promise.all([here.close(), there.close()])
  await redis.stop()
})

const countOf = async (name = channel): Promise<number> =>
  (await there.connections.count([name]))[0]!.connections
const fields = async (): Promise<number> => Number(await redis.cli('hlen', 'tabcast:{user:ada}:connections'))

test('a count that could not be withdrawn is withdrawn when Redis is back, though others have theirs', async () => {
  for (const engine of [here, there]) await engine.connections.announce(channel, 1)
  expect(await countOf()).toBe(2)
  await redis.kill()
  await expect(here.connections.announce(channel, 0)).rejects.toMatchObject({ temporary: true })
  await redis.restart()
  await until(async () => (await fields()) === 1, DONE)
  expect(await countOf()).toBe(1)
  expect((await here.broker.publish(draftOf(channel))).connections).toBe(1)
})

test('what was stated since then is not withdrawn', async () => {
  const other = roomChannel('den')
  await here.connections.announce(other, 1)
  await here.connections.announce(channel, 2)
  await redis.kill()
  const withdrawn = here.connections.announce(channel, 0)
  const stated = here.connections.announce(channel, 2)
  await expect(withdrawn).rejects.toMatchObject({ temporary: true })
  await expect(stated).rejects.toMatchObject({ temporary: true })
  await expect(here.connections.announce(other, 0)).rejects.toMatchObject({ temporary: true })
  await redis.restart()
  // It comes after the first.
  await until(async () => (await countOf(other)) === 0, DONE)
  expect(await countOf()).toBe(2)
})

test('the count of a process that has long been dead is taken out by whoever meets it, and no other', async () => {
  for (const engine of [here, there]) await engine.connections.announce(channel, 1)
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

test('what is known of a log is kept as its retention wants, and nothing is of one that nobody wrote to', async () => {
  const DAY = 86_400
  const retention = { user: { count: 10, seconds: 28 * DAY }, room: { count: 10, seconds: 3 * DAY } }
  const { broker, connections, close } = await openProbed(redis.url, { retention })
  try {
    /** For how many days, rounded; undefined if there is no such key. */
    const kept = async (key: string): Promise<number | undefined> => {
      const seconds = Number(await redis.cli('ttl', `tabcast:${key}`))
      return seconds < 0 ? undefined : Math.round(seconds / DAY)
    }
    const den = roomChannel('den')
    for (const count of [1, 0]) await connections.announce(den, count)
    await broker.latest(den, undefined, { entries: 1, bytes: 1 })
    expect(await kept('{room:den}:meta')).toBeUndefined()
    await broker.publish(draftOf(den))
    expect(await kept('{room:den}:meta')).toBe(6)
    // When somebody was last seen is known for as long as their notifications are.
    await connections.announce(channel, 0)
    expect([await kept('{user:ada}:last-seen'), await kept('{user:ada}:head')]).toEqual([56, undefined])
    await broker.publish(draftOf(channel))
    expect(await kept('{user:ada}:head')).toBe(56)
  } finally {
    await close()
  }
})
