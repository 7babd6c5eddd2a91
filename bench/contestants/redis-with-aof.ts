import { type RedisServer, startRedis } from '../../test/support/programs/redis.ts'

/** A Redis as one runs it where nothing may be lost: with AOF, synced each second. It is not rewritten meanwhile, so that its growth shows. */
export function startRedisWithAof(): Promise<RedisServer> {
  return startRedis({
    aof: true,
    settings: { appendfsync: 'everysec', 'auto-aof-rewrite-percentage': '0' },
  })
}
