import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RedisServer } from '../../test/support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../../test/support/programs/tabcast.ts'
import { browserToken } from '../../test/support/tokens.ts'
import { ANNOUNCEMENT, type Contestant, jsonTarget, NOTIFICATION, socketIoTab } from './contestant.ts'
import { startRedisWithAof } from './redis-with-aof.ts'

/** The tabs of the bench do not come back when they are refused. */
const SETTINGS = { MAX_CONNECTS_PER_SECOND: '1000000' }

/** With this, every tab hears `broadcast`. */
export const HALL = { JOIN_ROOMS: 'hall' }

/** Tabcast, with what only it has. */
export interface TabcastContestant extends Contestant {
  readonly apiKey: string
  /** Of the process that takes the posts. */
  readonly port: number
}

/** Tabcast with the embedded engine. */
export interface EmbeddedTabcast extends TabcastContestant {
  /** The SQLite file. */
  readonly file: string
}

/** Tabcast on Redis. */
export interface TabcastOnRedis extends TabcastContestant {
  readonly redis: RedisServer
}

/** One process on one SQLite file. */
export async function startEmbedded(settings: Record<string, string> = {}): Promise<EmbeddedTabcast> {
  const folder = await mkdtemp(join(tmpdir(), 'tabcast-bench-'))
  const file = join(folder, 'tabcast.db')
  const server = await startTabcast({ ...SETTINGS, DATA: file, ...settings })
  return {
    ...contestant('embedded', server, [server]),
    roles: { server: [server.pid] },
    file,
    async stop() {
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An api, so many workers, and a Redis with AOF. */
export async function startOnRedis(
  workers = 1,
  settings: Record<string, string> = {},
): Promise<TabcastOnRedis> {
  const redis = await startRedisWithAof()
  const env = { ...SETTINGS, ...settings, REDIS_URL: redis.url }
  const api = await startTabcast({ ...env, ROLE: 'api' })
  const secrets = { API_KEYS: `bench:${api.apiKey}`, JWT_SECRET: api.jwtSecret }
  const started = await Promise.all(
    Array.from({ length: workers }, () => startTabcast({ ...env, ...secrets, ROLE: 'worker' })),
  )
  return {
    ...contestant('redis', api, started),
    roles: { redis: [redis.pid], api: [api.pid], worker: started.map(({ pid }) => pid) },
    redis,
    async stop() {
      await Promise.all([api, ...started].map((server) => server.kill()))
      await redis.stop()
    },
  }
}

function contestant(
  name: string,
  api: Tabcast,
  workers: readonly Tabcast[],
): Omit<TabcastContestant, 'roles' | 'stop'> {
  const { port, apiKey, jwtSecret } = api
  return {
    name,
    apiKey,
    port,
    notify: jsonTarget(port, '/notify/{user}', NOTIFICATION, apiKey),
    broadcast: jsonTarget(port, '/rooms/hall/messages', ANNOUNCEMENT, apiKey),
    tab(user, index = 0, since) {
      const worker = workers[index % workers.length]!
      const token = browserToken(jwtSecret, { user })
      return socketIoTab(worker.port, since === undefined ? { token } : { token, since: JSON.parse(since) })
    },
  }
}
