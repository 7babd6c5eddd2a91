import type { RedisServer } from '../support/programs/redis.ts'
import { until } from '../support/until.ts'

/** The longest that a bridge may take until it listens, in milliseconds. */
const PATIENCE = 10_000

/** Resolves when the bridges of all processes together listen to so many patterns of Redis, plain names included. */
export const areListening = (redis: RedisServer, patterns: number): Promise<void> =>
  until(async () => {
    const clients = await redis.cli('client', 'list', 'type', 'pubsub')
    const counts = clients
      .split('\n')
      .filter((line) => line.includes('name=tabcast-listener'))
      .map((line) => Number(/ sub=(\d+)/.exec(line)?.[1]) + Number(/ psub=(\d+)/.exec(line)?.[1]))
    return counts.reduce((sum, count) => sum + count, 0) === patterns
  }, PATIENCE)

/** The number of rejections that `/metrics` reports for a source. */
export async function rejectionsOf(url: string, source: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(
    new RegExp(`^tabcast_foreign_rejected_total\\{source="${source}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
  )
}
