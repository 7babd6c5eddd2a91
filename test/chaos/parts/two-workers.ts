import { type RedisServer, type RedisServerOptions, startRedis } from '../../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../../support/programs/tabcast.ts'

/** An API and two workers, each a process of its own, on a Redis that keeps an append-only file. */
export interface TwoWorkers {
  readonly redis: RedisServer
  readonly api: Tabcast
  readonly workers: readonly [Tabcast, Tabcast]
  stop(): Promise<void>
}

/** `env` is for all three; it has the `JWT_SECRET` that they share. */
export async function startTwoWorkers(
  env: Record<string, string>,
  options: RedisServerOptions = {},
): Promise<TwoWorkers> {
  const redis = await startRedis({ aof: true, ...options })
  const start = (role: string): Promise<Tabcast> =>
    startTabcast({ REDIS_URL: redis.url, MAX_CONNECTS_PER_SECOND: '10000', ROLE: role, ...env })
  const [api, ...workers] = await Promise.all([start('api'), start('worker'), start('worker')])
  return {
    redis,
    api,
    workers,
    async stop() {
      await Promise.all([api, ...workers].map((server) => server.kill()))
      await redis.stop()
    },
  }
}
