import type { RedisServer } from '../support/programs/redis.ts'
import { until } from '../support/until.ts'

/** How long a door may take until it listens, in milliseconds. */
const PATIENCE = 10_000

/** Resolves when so many processes in all hear topics of Redis: each name counts, and each pattern. */
export const areListening = (redis: RedisServer, topics: number): Promise<void> =>
  until(async () => {
    const clients = await redis.cli('client', 'list', 'type', 'pubsub')
    const counts = clients
      .split('\n')
      .filter((line) => line.includes('name=tabcast-listener'))
      .map((line) => Number(/ sub=(\d+)/.exec(line)?.[1]) + Number(/ psub=(\d+)/.exec(line)?.[1]))
    return counts.reduce((sum, count) => sum + count, 0) === topics
  }, PATIENCE)

/** What `/metrics` says of the rejections of a door. */
export async function rejectionsOf(url: string, door: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(
    new RegExp(`^tabcast_door_rejected_total\\{door="${door}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0,
  )
}
