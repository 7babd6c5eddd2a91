import { expect, test } from 'vitest'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { until } from '../support/until.ts'

test('a worker prints a line for the API that it knows, and none that goes nowhere', async () => {
  const redis = await startRedis()
  const started: Tabcast[] = []
  /** The banner of one, up to its last sentence. */
  const bannerOf = async (ROLE: string): Promise<string> => {
    const server = await startTabcast({ REDIS_URL: redis.url, ROLE }, { bare: true })
    started.push(server)
    // A busy machine may log something after it.
    await until(async () => /(Paste this line:\n\n.*|a line to paste\.)\n\n/.test(server.output()), 20_000)
    return server.output()
  }
  try {
    const alone = await bannerOf('worker')
    expect(alone).toMatch(
      /\nThis process takes no posts: one with ROLE=api does, and prints a line to paste\.\n/,
    )
    expect(alone).not.toMatch(/curl|</)
    const api = await bannerOf('api')
    const line = `curl ${started[1]!.url}/notify/demo -H 'Authorization: Bearer `
    expect(api).toContain(`\nPaste this line:\n\n${line}`)
    expect(await bannerOf('worker')).toContain(`\nPaste this line:\n\n${line}`)
  } finally {
    await Promise.all(started.map((server) => server.kill()))
    await redis.stop()
  }
}, 60_000)
