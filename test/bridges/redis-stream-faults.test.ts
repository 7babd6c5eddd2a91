import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { RedisStreamBridge } from '../../src/bridges/redis-stream.ts'
import { internalError } from '../../src/core/lifecycle/faults.ts'
import { startRedis } from '../support/programs/redis.ts'
import { until } from '../support/until.ts'

const STREAM = 'tabcast:in'

test('a fault of ours is reported and tried again, and an entry that always meets one makes room for the others', async () => {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  await client.xadd(STREAM, '1-0', 'title', 'once')
  await client.xadd(STREAM, '2-0', 'title', 'always')
  await client.xadd(STREAM, '3-0', 'title', 'never')
  const attempts: string[] = []
  const stored: string[] = []
  const reported: unknown[] = []
  const rejected: string[] = []
  const bridge = new RedisStreamBridge(STREAM, {
    connect: () => new Redis(redis.url, { maxRetriesPerRequest: null }),
    publish: async (fields) => {
      const title = fields.get('title')!.toString()
      attempts.push(title)
      if (title === 'always') throw new TypeError('a bug')
      if (title === 'once' && attempts.length === 1) throw internalError(new TypeError('another bug'))
      stored.push(title)
    },
    reject: (reason) => rejected.push(reason),
    report: (error) => reported.push(error),
  })
  await until(async () => (await client.xlen(STREAM)) === 0, 10_000)
  expect(stored).toEqual(['never', 'once'])
  expect(attempts.filter((title) => title === 'always')).toHaveLength(5)
  expect(reported).toHaveLength(6)
  expect(rejected).toEqual(['entry 2-0: a bug'])
  expect(await client.xrange(`${STREAM}:dead`, '-', '+')).toMatchObject([
    [expect.any(String), ['entry', '2-0', 'code', 'internal', 'reason', 'a bug', 'title', 'always']],
  ])
  await bridge.close()
  client.disconnect()
  await redis.stop()
}, 30_000)
