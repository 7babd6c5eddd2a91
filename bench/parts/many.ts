/**
 * Many: one call for 1,000 users against 1,000 calls for one each, in the same run: one after the other, as a backend's loop does it, and
 * with many at once.
 */
import { startRedis } from '../test/support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../test/support/programs/tabcast.ts'
import { postAll, request } from './http-posts.ts'
import { measure, median, spread } from './ratio.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const USERS = 1000
const CONNECTIONS = 64

const NOTIFICATION = { title: 'Your export is ready', body: 'Report 2026-11 has 1,204 rows.' }

/** Milliseconds that each of the three ways takes. */
async function round({ port, apiKey }: Tabcast, users: readonly string[]): Promise<number[]> {
  const single = users.map((user) => request(`/notify/${user}`, apiKey, JSON.stringify(NOTIFICATION)))
  const many = [request('/notify', apiKey, JSON.stringify({ users, notification: NOTIFICATION }))]
  const times: number[] = []
  for (const [requests, connections] of [
    [many, 1],
    [single, 1],
    [single, CONNECTIONS],
  ] as const) {
    const { seconds } = await measure(async () => {
      const { failed } = await postAll(port, requests, connections)
      if (failed > 0) throw new Error(`${failed} posts failed`)
    })
    times.push(seconds * 1000)
  }
  return times
}

/** Runs the bench and answers the lines to print. */
export async function benchMany(): Promise<string[]> {
  const redis = await startRedis()
  const servers = { redis: await startTabcast({ REDIS_URL: redis.url }), embedded: await startTabcast() }
  const users = Array.from({ length: USERS }, (_, index) => `user-${index}`)
  try {
    const lines: string[] = []
    for (const [name, server] of Object.entries(servers)) {
      await round(server, users)
      const rounds: number[][] = []
      while (rounds.length < ROUNDS) rounds.push(await round(server, users))
      const times = (index: number): number[] => rounds.map((figures) => figures[index]!)
      const ratio = (index: number): string =>
        spread(
          rounds.map((figures) => figures[index]! / figures[0]!),
          1,
        )
      lines.push(
        `many, ${name}: ${USERS} users in one call take ${median(times(0)).toFixed(0)} ms`,
        `  ${USERS} calls one after the other take ${ratio(1)} times as long, ${CONNECTIONS} at once ${ratio(2)} times`,
      )
    }
    return lines
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.kill()))
    await redis.stop()
  }
}
