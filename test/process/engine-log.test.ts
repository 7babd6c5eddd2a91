import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast, type TabcastOptions } from '../support/programs/tabcast.ts'
import { hasWorkers } from '../support/programs/workers.ts'
import { until } from '../support/until.ts'

let redis: RedisServer
let server: Tabcast | undefined

beforeEach(async () => {
  redis = await startRedis()
})

afterEach(async () => {
  await server?.kill()
  await redis.stop()
})

const production = async (env: Record<string, string>, options?: TabcastOptions): Promise<Tabcast> => {
  server = await startTabcast({ NODE_ENV: 'production', DRAIN_SECONDS: '0', ...env }, options)
  return server
}

/** The log of a process: in production every line of its output is one of it. */
const logged = ({ output }: Tabcast): { level: number; time: number; msg: string }[] =>
  output()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
const messages = (of: Tabcast): string[] => logged(of).map(({ msg }) => msg)
const count = (of: Tabcast, pattern: RegExp): number =>
  messages(of).filter((message) => pattern.test(message)).length
const says = (of: Tabcast, pattern: RegExp, times: number): Promise<void> =>
  until(async () => count(of, pattern) >= times, 20_000)

const AWAY = /^the engine is away: Redis cannot be reached: .+/
const BACK = /^the engine is back; it was away for \d+\.\d s$/
/** The lines of a process about its store; one that does not get to run in time may also say that it is away. */
const HEED = /Redis keeps|Redis drops|notifications are stored/i
const NO_FILE = /^Redis keeps no append-only file: /

test('a lost engine is logged, and so is its return', async () => {
  const tabcast = await production({ REDIS_URL: redis.url })
  await says(tabcast, NO_FILE, 1)
  await redis.kill()
  await says(tabcast, AWAY, 1)
  await redis.restart()
  await says(tabcast, BACK, 1)
  expect(await tabcast.stop()).toBe(0)
  expect(new Set(logged(tabcast).map(({ level }) => level))).toEqual(new Set([40]))
}, 60_000)

test('an engine that is not there at the start is logged once; what to know about it when it answers', async () => {
  await redis.kill()
  const tabcast = await production({ REDIS_URL: redis.url }, { until: 'live' })
  await says(tabcast, AWAY, 1)
  const { detail } = (await (await fetch(`${tabcast.url}/readyz`)).json()) as { detail: string }
  expect(messages(tabcast)).toEqual([`the engine is away: ${detail}`])
  await redis.restart()
  await says(tabcast, NO_FILE, 1)
  await says(tabcast, BACK, 1)
}, 60_000)

describe('in production, what to know about the store is logged once', () => {
  test('of several processes by the first, and by none for a request', async () => {
    const tabcast = await production({ REDIS_URL: redis.url, WORKERS: '2' })
    await hasWorkers(tabcast, 2)
    await says(tabcast, NO_FILE, 1)
    for (let times = 0; times < 4; times++)
      await (await fetch(`${tabcast.url}/readyz`, { headers: { connection: 'close' } })).text()
    expect(count(tabcast, HEED)).toBe(1)
  }, 60_000)

  test('if it is in memory only', async () => {
    const tabcast = await production({ DATA: ':memory:' })
    await says(tabcast, /^notifications are stored in memory only/, 1)
    expect(count(tabcast, HEED)).toBe(1)
  })

  test('not if there is nothing: a file, or a Redis with one', async () => {
    await redis.cli('config', 'set', 'appendonly', 'yes')
    const [file, own] = await Promise.all([production({}), production({ REDIS_URL: redis.url })])
    expect([await file.stop(), await own.stop()]).toEqual([0, 0])
    expect([count(file, HEED), count(own, HEED)]).toEqual([0, 0])
  })
})
