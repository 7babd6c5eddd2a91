import { startRedis } from '../test/support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../test/support/programs/tabcast.ts'

/** Runs a bench on a Tabcast on Redis and then on an embedded one, and answers a line for each that begins with its name. */
export async function onBothEngines(run: (server: Tabcast) => Promise<string>): Promise<string[]> {
  const redis = await startRedis()
  const servers = { redis: await startTabcast({ REDIS_URL: redis.url }), embedded: await startTabcast() }
  try {
    const lines: string[] = []
    for (const [name, server] of Object.entries(servers))
      lines.push(`  ${name.padEnd(10)} ${await run(server)}`)
    return lines
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.kill()))
    await redis.stop()
  }
}
