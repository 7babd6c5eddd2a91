import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { type Told, trimmedChannel } from './trimmed-channel.ts'

const size = isLong ? { retained: 1000, before: 100, away: 5000 } : { retained: 60, before: 5, away: 120 }
const timeout = isLong ? 120_000 : 30_000

describe.each(['embedded', 'redis'] as const)(
  'retention trims a channel while a tab is away: %s',
  (engine) => {
    let redis: RedisServer | undefined
    let server: Tabcast

    beforeAll(async () => {
      redis = engine === 'redis' ? await startRedis({ aof: true }) : undefined
      server = await startTabcast({
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
        RETENTION_COUNT: `${size.retained}`,
        ROOM_RETENTION_COUNT: `${size.retained}`,
      })
    })
    afterAll(async () => {
      await server.kill()
      await redis?.stop()
    })

    test.each([
      ['user', 'websocket'],
      ['user', 'polling'],
      ['room', 'websocket'],
      ['room', 'polling'],
    ] as const)(
      'a %s, by %s: one gap with the exact range, then what is retained in order, then the position, then live',
      async (channel, transport) => {
        const began = performance.now()
        const seen = await trimmedChannel(server, { ...size, channel, transport })
        const took = Math.round(performance.now() - began)
        process.stdout.write(
          `trimmed, ${engine}, ${channel}, ${transport}: ${seen.length} events in ${took} ms\n`,
        )
        const end = size.before + size.away
        const trimmed = end - size.retained
        const event = channel === 'room' ? 'message' : 'notification'
        expect(seen).toEqual([
          { event: 'gap', from: size.before + 1, to: trimmed, reason: 'trimmed' },
          ...Array.from({ length: size.retained }, (_, index): Told => ({ event, seq: trimmed + 1 + index })),
          { event: 'position', seq: end },
          { event, seq: end + 1 },
        ])
      },
      timeout,
    )
  },
)
