import { randomUUIDv7 } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { Keys } from '../../../src/engines/redis/keys.ts'
import { openProbed } from '../../support/probed-engine.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'

const { times } = new Keys('tabcast', 0, false)

let server: RedisServer
let engine: Engine
let publisher: Publisher
beforeAll(async () => {
  server = await startRedis()
  engine = await openProbed(server.url)
  publisher = new Publisher(engine)
})
beforeEach(() => server.cli('flushall'))
afterAll(async () => {
  await engine.close()
  await server.stop()
})

/** Notes times as processes do that die before they keep their notifications. */
async function noteDead(at: number, count: number): Promise<void> {
  const noted = Array.from({ length: count }, () => [`${at}`, `${randomUUIDv7()} ${userChannel('ada')}`])
  await server.cli('zadd', times, ...noted.flat())
}

const add = (title: string, at: number, idempotencyKey: string): Promise<{ id: string; replayed: boolean }> =>
  publisher.schedule('ada', { title }, at, { credential: 'test', idempotencyKey })

const idsOf = async (now: number, limit: number): Promise<string[]> =>
  (await engine.schedule.due(now, limit)).map(({ draft }) => draft.id)

test('only what is kept has a time: a repetition leaves none, nor does a conflict', async () => {
  const at = Date.now() + 60_000
  const { id } = await add('A', at, 'k')
  expect(await add('A', at, 'k')).toEqual({ id, replayed: true })
  await expect(add('B', at, 'k')).rejects.toMatchObject({ code: 'idempotency_conflict' })
  expect((await server.cli('zrange', times, '0', '-1')).trim()).toBe(`${id} ${userChannel('ada')}`)
})

test('times whose processes died hold up nothing, whether they may still be used or are over', async () => {
  const at = Date.now() + 60_000
  const ids: string[] = []
  await noteDead(at, 7)
  ids.push((await add('A', at + 1, 'a')).id)
  await noteDead(at + 2, 7)
  // Each at a time of its own: those of one time are in no promised order.
  for (const [index, key] of ['b', 'c', 'd'].entries()) ids.push((await add('B', at + 3 + index, key)).id)
  expect(await idsOf(at + 5, 3)).toEqual(ids.slice(0, 3))
  expect(await idsOf(at + 5, 4)).toEqual(ids)
  expect(Number(await server.cli('zcard', times))).toBe(18)
  // A minute after the last of them nobody uses them any more.
  expect(await idsOf(at + 60_005, 4)).toEqual(ids)
  expect(Number(await server.cli('zcard', times))).toBe(4)
})
