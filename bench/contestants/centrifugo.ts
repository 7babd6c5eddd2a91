import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/programs/free-port.ts'
import type { RedisServer } from '../../test/support/programs/redis.ts'
import { signToken } from '../../test/support/tokens.ts'
import type { PostTarget } from '../load/http-posts.ts'
import { ANNOUNCEMENT, type Contestant, NOTIFICATION } from './contestant.ts'
import { startProgram } from './program.ts'
import { startRedisWithAof } from './redis-with-aof.ts'

/** The program, version 6, if one is given: neither npm nor Debian has it. */
export const CENTRIFUGO = process.env.BENCH_CENTRIFUGO

/** Centrifugo, which keeps the last 1,000 of each channel in a Redis with AOF. */
export async function startCentrifugo(): Promise<Contestant & { readonly redis: RedisServer }> {
  const redis = await startRedisWithAof()
  const folder = await mkdtemp(join(tmpdir(), 'tabcast-centrifugo-'))
  const port = await freePort()
  const file = join(folder, 'config.json')
  const [secret, key] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
  const configuration = {
    http_server: { address: '127.0.0.1', port },
    log: { level: 'error' },
    engine: { type: 'redis', redis: { address: redis.url } },
    client: { token: { hmac_secret_key: secret } },
    http_api: { key },
    channel: { without_namespace: { history_size: 1000, history_ttl: '672h', force_positioning: true } },
    usage_stats: { disabled: true },
  }
  await writeFile(file, JSON.stringify(configuration))
  const server = await startProgram(CENTRIFUGO!, ['-c', file], port)
  const target = (channel: string, data: unknown): PostTarget => ({
    port,
    path: '/api/publish',
    headers: { 'x-api-key': key },
    body: JSON.stringify({ channel, data }),
  })
  return {
    name: 'centrifugo',
    redis,
    roles: { redis: [redis.pid], server: [server.pid] },
    notify: target('{user}', NOTIFICATION),
    broadcast: target('everyone', ANNOUNCEMENT),
    tab(user) {
      const exp = Math.floor(Date.now() / 1000) + 3600
      const token = signToken(secret, { sub: user, exp, channels: [user] })
      return {
        protocol: 'centrifugo',
        port,
        path: '/connection/websocket',
        connect: JSON.stringify({ token }),
      }
    },
    async stop() {
      await server.stop()
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
