import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const JWT_SECRET = 's'.repeat(40)
const COUNT = 100

let server: Tabcast | undefined
let redis: RedisServer | undefined
let directory: string | undefined
afterEach(async () => {
  await server?.kill()
  await redis?.stop()
  if (directory !== undefined) await rm(directory, { recursive: true })
  server = redis = directory = undefined
})

test.each(['embedded', 'redis'])(
  '%s: a hundred for the same moment come once each and in time, although the process was killed and started again before',
  async (engine) => {
    directory = await mkdtemp(join(tmpdir(), 'tabcast-test-'))
    if (engine === 'redis') redis = await startRedis({ aof: true })
    const env: Record<string, string> = { JWT_SECRET, DATA: join(directory, 'tabcast.db') }
    if (redis !== undefined) env.REDIS_URL = redis.url
    const began = Date.now()
    server = await startTabcast(env)
    // Time enough to start it once more, on a busy machine as well.
    const at = Date.now() + 3000 + 4 * (Date.now() - began)
    const answers = await Promise.all(
      Array.from({ length: COUNT }, (_, index) =>
        fetch(`${server!.url}/notify/ada`, {
          method: 'POST',
          headers: { authorization: `Bearer ${server!.apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ title: `no. ${index}`, sendAt: new Date(at).toISOString() }),
        }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    const ids = await Promise.all(answers.map(async (answer) => (await answer.json()).id as string))
    await server.kill()
    server = await startTabcast(env, { port: server.port })
    expect(Date.now()).toBeLessThan(at)
    const tab = new TestTab(server.url, {
      token: browserToken(JWT_SECRET, { user: 'ada' }),
      since: { seq: 0 },
    })
    try {
      await until(async () => tab.all('notification').length > 0, at - Date.now() + 10_000)
      expect(Date.now()).toBeGreaterThanOrEqual(at)
      const all = await tab.sees('notification', COUNT)
      expect(Date.now()).toBeLessThan(at + 2400)
      expect(all.map(({ id }) => id).sort()).toEqual(ids.sort())
      for (const { createdAt } of all) expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(at)
    } finally {
      tab.close()
    }
  },
  120_000,
)
