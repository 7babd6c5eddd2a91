/**
 * Socket.IO as its own documentation shows it, under a Fastify that takes the same posts: `stock` is one process that stores nothing;
 * `tutorial` and `sharded` are an api and workers with one of the Redis adapters, and keep the last 1,000 of each user in a Redis list.
 */
import { randomBytes } from 'node:crypto'
import type { RedisServer } from '../../test/support/programs/redis.ts'
import { type NodeProcess, startNode } from '../../test/support/programs/tabcast.ts'
import { browserToken } from '../../test/support/tokens.ts'
import { ANNOUNCEMENT, type Contestant, jsonTarget, NOTIFICATION, socketIoTab } from './contestant.ts'
import { startRedisWithAof } from './redis-with-aof.ts'

/** Socket.IO and Fastify in one process, in memory. */
export async function startStock(): Promise<Contestant> {
  const secret = randomBytes(32).toString('base64url')
  const server = await startNode('bench/contestants/stock-server.ts', { JWT_SECRET: secret })
  return {
    ...contestant('stock', secret, server, [server]),
    roles: { server: [server.pid] },
    stop: () => server.kill(),
  }
}

/** The classic adapter with the emitter, or the sharded adapter. */
export async function startTutorial(
  adapter: 'classic' | 'sharded' = 'classic',
  workers = 1,
): Promise<Contestant & { readonly redis: RedisServer }> {
  const redis = await startRedisWithAof()
  const secret = randomBytes(32).toString('base64url')
  const env = { JWT_SECRET: secret, REDIS_URL: redis.url, ADAPTER: adapter }
  const api = await startNode('bench/contestants/tutorial-api.ts', env)
  const started = await Promise.all(
    Array.from({ length: workers }, () => startNode('bench/contestants/tutorial-worker.ts', env)),
  )
  return {
    ...contestant(adapter === 'classic' ? 'tutorial' : 'sharded', secret, api, started),
    redis,
    roles: { redis: [redis.pid], api: [api.pid], worker: started.map(({ pid }) => pid) },
    async stop() {
      await Promise.all([api, ...started].map((server) => server.kill()))
      await redis.stop()
    },
  }
}

function contestant(
  name: string,
  secret: string,
  api: NodeProcess,
  workers: readonly NodeProcess[],
): Omit<Contestant, 'roles' | 'stop'> {
  return {
    name,
    notify: jsonTarget(api.port, '/notify/{user}', NOTIFICATION),
    broadcast: jsonTarget(api.port, '/broadcast', ANNOUNCEMENT),
    tab: (user, index = 0) =>
      socketIoTab(workers[index % workers.length]!.port, { token: browserToken(secret, { user }) }),
  }
}
