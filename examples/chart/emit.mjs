/**
 * Sends new data to the open charts through Redis: node emit.mjs '{"labels": ["Mon", "Tue"], "values": [120, 200]}'
 * REDIS_URL comes from the environment.
 */
import { Emitter } from '@socket.io/redis-emitter'
import { Redis } from 'ioredis'

const redis = new Redis(process.env.REDIS_URL)
new Emitter(redis).to('chart').emit('new chart data', JSON.parse(process.argv[2]))
await redis.quit()
