import { setTimeout as delay } from 'node:timers/promises'
import type { RedisServer } from '../../test/support/programs/redis.ts'
import { Arena, processesOf, shuffled, users } from '../arena.ts'
import { CENTRIFUGO, startCentrifugo } from '../contestants/centrifugo.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { startTutorial } from '../contestants/socket-io.ts'
import { type EmbeddedTabcast, startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { untilIdle, writtenBy } from '../figures/processes.ts'
import type { LoadClient } from '../load/client.ts'
import { part } from '../part.ts'

const CONNECTIONS = 64
/** What inboxes are limited to where they are full. */
const KEPT = 50
/** Posts a second of those that come one by one. */
const RATE = 2000

/** Bytes per notification. */
interface InRedis {
  first: number[]
  further: number[]
  aof: number[]
}

/** What a notification takes: in Redis's memory, in its AOF, and in what SQLite writes. */
export const storage = part(
  'storage',
  'bytes per notification: in the memory of Redis, in its AOF, and written by SQLite',
  {
    full: { rounds: 3, users: 1000, further: 20, posts: 20_000, seconds: 5 },
    quick: { rounds: 1, users: 500, further: 20, posts: 10_000, seconds: 3 },
    tiny: { rounds: 1, users: 100, further: 2, posts: 200, seconds: 0.1 },
  },
  (sizes) =>
    Arena.run(async (arena) => {
      const client = await arena.client()
      const onRedis = await arena.start<Contestant & { redis: RedisServer }>(
        startOnRedis,
        startTutorial,
        ...(CENTRIFUGO === undefined ? [] : [startCentrifugo]),
      )
      const [embedded, limited] = await arena.start(startEmbedded, () =>
        startEmbedded({ RETENTION_COUNT: String(KEPT) }),
      )
      const inRedis = new Map<string, InRedis>(
        onRedis.map(({ name }) => [name, { first: [], further: [], aof: [] }]),
      )
      const bySqlite = { groups: [] as number[], single: [] as number[], full: [] as number[] }
      const names = shuffled(users('user', sizes.posts / 20))
      for (const engine of [embedded!, limited!]) await fill(client, engine, names)
      for (let round = 0; round < sizes.rounds; round++) {
        for (const contestant of onRedis) {
          const found = await bytesInRedis(client, contestant, `round-${round}`, sizes)
          for (const key of ['first', 'further', 'aof'] as const)
            inRedis.get(contestant.name)![key].push(found[key])
        }
        const { posts, seconds } = sizes
        const target = embedded!.notify
        bySqlite.groups.push(
          await bytesWritten(embedded!, posts, () =>
            client.call('post', { target, users: names, posts, connections: CONNECTIONS }),
          ),
        )
        bySqlite.single.push(
          await bytesWritten(embedded!, RATE * seconds, () =>
            client.call('postAtRate', {
              target,
              users: names,
              rate: RATE,
              seconds,
              connections: CONNECTIONS,
            }),
          ),
        )
        bySqlite.full.push(
          await bytesWritten(limited!, posts, () =>
            client.call('post', { target: limited!.notify, users: names, posts, connections: CONNECTIONS }),
          ),
        )
      }
      const bodies = bySqlite.groups.map(() => Buffer.byteLength(embedded!.notify.body))
      return [...redisFigures(inRedis), ...sqliteFigures(bySqlite, bodies)]
    }),
)

/** Fills the inboxes of these users up to the limit that one of the two has. */
async function fill(client: LoadClient, { notify }: EmbeddedTabcast, names: string[]): Promise<void> {
  const posts = names.length * KEPT
  await client.call('post', { target: notify, users: names, posts, connections: CONNECTIONS })
}

async function bytesInRedis(
  client: LoadClient,
  contestant: Contestant & { redis: RedisServer },
  prefix: string,
  sizes: { users: number; further: number },
): Promise<{ first: number; further: number; aof: number }> {
  const names = shuffled(users(prefix, sizes.users))
  const post = async (posts: number): Promise<void> => {
    const { failed } = await client.call('post', {
      target: contestant.notify,
      users: names,
      posts,
      connections: CONNECTIONS,
    })
    if (failed > 0) throw new Error(`${contestant.name}: ${failed} posts failed`)
    await untilIdle(processesOf(contestant))
  }
  const before = await bytesOf(contestant.redis)
  await post(sizes.users)
  const once = await bytesOf(contestant.redis)
  const further = sizes.users * sizes.further
  // A Redis stream has room for its first entries from the beginning: what an entry takes shows only after them.
  await post(further)
  const filled = await bytesOf(contestant.redis)
  await post(further)
  const after = await bytesOf(contestant.redis)
  return {
    first: (once.memory - before.memory) / sizes.users,
    further: (after.memory - filled.memory) / further,
    aof: (after.aof - filled.aof) / further,
  }
}

/** `used_memory` and the size of the AOF. */
async function bytesOf(redis: RedisServer): Promise<{ memory: number; aof: number }> {
  const info = await redis.cli('info', 'everything')
  const value = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)![1])
  return { memory: value('used_memory'), aof: value('aof_current_size') }
}

/** What the process wrote per post: to files, since what it answered is subtracted. */
async function bytesWritten(
  contestant: EmbeddedTabcast,
  posts: number,
  post: () => Promise<{ received: number; failed: number }>,
): Promise<number> {
  const [pid] = contestant.roles.server!
  const before = writtenBy(pid!)
  const { received, failed } = await post()
  if (failed > 0) throw new Error(`${failed} posts failed`)
  // What the last checkpoint of its own accord still writes.
  await delay(200)
  return (writtenBy(pid!) - before - received) / posts
}

function redisFigures(found: ReadonlyMap<string, InRedis>): Figure[] {
  const labels = {
    first: "a user's first notification, memory of Redis",
    further: 'each further notification, memory of Redis',
    aof: 'each further notification, AOF',
  }
  const keys = ['first', 'further', 'aof'] as const
  return [
    ...keys.map((key) =>
      ratio(`redis ÷ tutorial, ${labels[key]}`, found.get('redis')![key], found.get('tutorial')![key]),
    ),
    ...[...found].flatMap(([name, bytes]) =>
      keys.map((key) => figure(`${name}: ${labels[key]}`, 'B', bytes[key])),
    ),
  ]
}

function sqliteFigures(written: Record<'groups' | 'single' | 'full', number[]>, bodies: number[]): Figure[] {
  const labels = {
    groups: `${CONNECTIONS} at once`,
    single: `one by one at ${RATE}/s`,
    full: `${CONNECTIONS} at once into full inboxes of ${KEPT}`,
  }
  const keys = ['groups', 'single', 'full'] as const
  return [
    ...keys.map((key) => ratio(`embedded, written ÷ body, ${labels[key]}`, written[key], bodies)),
    ...keys.map((key) => figure(`embedded: written per notification, ${labels[key]}`, 'B', written[key])),
  ]
}
