import { setTimeout as delay } from 'node:timers/promises'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'
import { RacingBackend } from './parts/racing-backend.ts'
import { Random } from './prove/random.ts'

export interface ReplyOptions {
  /** Whose replies get lost: Redis's to the API, or the API's to the backend. */
  from: 'redis' | 'api'
  /** Number of notifications, each with a key of its own: at least so many, and until replies have been thrown away so often. */
  posts: number
  thefts: number
}

/** Figures of posts whose replies were lost. */
export interface ReplyFigures {
  /** Number of notifications that were taken. */
  posts: number
  /** Number of attempts that were answered with each status; 0 stands for none. */
  statuses: Record<number, number>
  /** Number of answers that said that they were given before. */
  replayed: number
  /** Number of times that replies were thrown away, and of bytes of them. */
  thefts: number
  stolen: number
  /** Names that were answered with more than one position in the log. */
  ambiguous: string[]
  /** Publications that were answered with 201 and are missing: in a tab that was there all the time, and in the log. */
  lost: [number, number]
  /** Publications that came more than once, in the same two. */
  doubled: [number, number]
  seconds: number
}

const JWT_SECRET = 'l'.repeat(40)
const SEED = 20_261_121
const USERS = 10
/** Milliseconds for which replies are thrown away at a time: at times for longer than a command may take. */
const SHORTEST = 10
const LONGEST = 100
const BEYOND_TIMEOUT = 1200
/** The longest pause between two times, in milliseconds. */
const LONGEST_PAUSE = 600
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 20_000

/** Five posts race for every key while replies get lost on their way; tabs hear it on a worker to which nothing happens. */
export async function lostReplies({ from, posts, thefts }: ReplyOptions): Promise<ReplyFigures> {
  const redis = await startRedis({ aof: true })
  const toRedis = await startProxy(redis.port)
  const env = { JWT_SECRET, RETENTION_COUNT: '1000000', LOG_LEVEL: 'silent' }
  const [api, worker] = await Promise.all([
    startTabcast({ ...env, ROLE: 'api', REDIS_URL: `redis://127.0.0.1:${toRedis.port}` }),
    startTabcast({ ...env, ROLE: 'worker', REDIS_URL: redis.url }),
  ])
  const toApi = await startProxy(api.port)
  const users = Array.from({ length: USERS }, (_, index) => `u${index}`)
  const tabs = users.map((user) => tabOf(worker.url, user, {}))
  // They read the log when all is over.
  const readers: TestTab[] = []
  try {
    await Promise.all(tabs.map((tab) => tab.sees('position')))
    const began = performance.now()
    const backend = new RacingBackend({ url: `http://127.0.0.1:${toApi.port}`, apiKey: api.apiKey })
    const thief = new Thief(from === 'redis' ? toRedis : toApi)
    await backend.post(users, posts, () => thief.thefts >= thefts)
    await thief.end()
    const seconds = Math.round((performance.now() - began) / 1000)
    await until(async () => missing(tabs, backend) === 0, PATIENCE).catch(() => undefined)
    readers.push(...users.map((user) => tabOf(worker.url, user, { seq: 0 })))
    await Promise.all(readers.map((reader) => reader.sees('position')))
    const { statuses, replayed, ambiguous } = backend
    return {
      posts: backend.taken.length,
      statuses,
      replayed,
      thefts: thief.thefts,
      stolen: thief.stolen,
      ambiguous,
      lost: [missing(tabs, backend), missing(readers, backend)],
      doubled: [doubled(tabs), doubled(readers)],
      seconds,
    }
  } finally {
    for (const tab of [...tabs, ...readers]) tab.close()
    await Promise.all([toApi.close(), toRedis.close()])
    await Promise.all([api.kill(), worker.kill()])
    await redis.stop()
  }
}

const tabOf = (url: string, user: string, since: object): TestTab =>
  new TestTab(url, { token: browserToken(JWT_SECRET, { user }), since })

/** Everything that the tabs of a kind were shown, as their callbacks were called. */
const shown = (tabs: readonly TestTab[]): string[] =>
  tabs.flatMap((tab) => tab.all('notification').map(({ data }) => data))

function missing(tabs: readonly TestTab[], { taken }: RacingBackend): number {
  const names = new Set(shown(tabs))
  return taken.filter((name) => !names.has(name)).length
}

function doubled(tabs: readonly TestTab[]): number {
  const names = shown(tabs)
  return names.length - new Set(names).size
}

/** Throws replies away for a moment, again and again; a connection that lacks some does not go on, as TCP would have it. */
class Thief {
  thefts = 0
  readonly #way: TcpProxy
  readonly #random = new Random(SEED)
  readonly #running: Promise<void>
  #ending = false

  constructor(way: TcpProxy) {
    this.#way = way
    this.#running = this.#run()
  }

  /** Number of bytes that it has taken. */
  get stolen(): number {
    return this.#way.dropped
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      await delay(this.#random.between(0, LONGEST_PAUSE))
      await this.#steal()
    }
  }

  async #steal(): Promise<void> {
    const before = this.stolen
    this.#way.set('deaf')
    await delay(this.#random.happens(1 / 20) ? BEYOND_TIMEOUT : this.#random.between(SHORTEST, LONGEST))
    this.#way.cut()
    this.#way.set('open')
    if (this.stolen > before) this.thefts++
  }
}
