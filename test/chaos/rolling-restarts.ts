import { startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { until } from '../support/until.ts'
import { Balancer } from './parts/balancer.ts'
import { Poster } from './parts/poster.ts'
import { RovingTab } from './parts/roving-tab.ts'

export interface RollingOptions {
  /** Number of tabs, half of them by polling; two of each user. */
  sockets: number
  /** Number of times that every process is stopped and started again. */
  rounds: number
  drainSeconds: number
  /** Notifications a second in all. */
  rate: number
}

/** Figures of the tabs and the backend. */
export interface RollingFigures {
  posts: number
  /** Posts that were not answered 201, each with what came instead. */
  failedPosts: string[]
  /** Number of times that a post was repeated because Redis did not answer in time: that is the machine, and no restart. */
  timeouts: number
  /** Notifications that a tab of their user never saw, over all tabs. */
  lost: number
  /** Notifications that a tab saw again, or after a later one. */
  duplicated: number
  gaps: number
  reconnects: number
  /** Of every process that was stopped. */
  exitCodes: (number | null)[]
  /** The longest that a stop took, in milliseconds. */
  longestStop: number
}

const JWT_SECRET = 'r'.repeat(40)
const API_KEY = 'api-key-of-the-rolling-restarts'
/** Number of tabs that open at once. */
const AT_ONCE = 50

/**
 * Two APIs and three workers on a real Redis, all behind balancers that follow `/readyz`; stock clients that keep a cursor, posts all the
 * time, and every process stopped by SIGTERM and started again, one after the other.
 */
export async function rollingRestarts(options: RollingOptions): Promise<RollingFigures> {
  const redis = await startRedis()
  const start = (role: string, port?: number): Promise<Tabcast> =>
    startTabcast(
      {
        REDIS_URL: redis.url,
        JWT_SECRET,
        API_KEYS: `test:${API_KEY}`,
        ROLE: role,
        DRAIN_SECONDS: `${options.drainSeconds}`,
      },
      port === undefined ? {} : { port },
    )
  const roles = ['api', 'api', 'worker', 'worker', 'worker']
  const servers = await Promise.all(roles.map((role) => start(role)))
  const apis = new Balancer(servers.filter((_, index) => roles[index] === 'api'))
  const workers = new Balancer(servers.filter((_, index) => roles[index] === 'worker'))
  const tabs: RovingTab[] = []
  const figures: RollingFigures = {
    posts: 0,
    failedPosts: [],
    timeouts: 0,
    lost: 0,
    duplicated: 0,
    gaps: 0,
    reconnects: 0,
    exitCodes: [],
    longestStop: 0,
  }
  try {
    for (let index = 0; index < options.sockets; index += AT_ONCE) {
      const count = Math.min(AT_ONCE, options.sockets - index)
      const opened = Array.from({ length: count }, (_, at) => tabOf(workers, index + at))
      tabs.push(...opened)
      await Promise.all(opened.map((tab) => tab.sees('position')))
    }
    const users = [...new Set(tabs.map(({ user }) => user))]
    const poster = new Poster(apis, users, options.rate)
    for (let round = 0; round < options.rounds; round++)
      for (const [index, role] of roles.entries()) {
        const old = servers[index]!
        const began = Date.now()
        figures.exitCodes.push(await old.stop())
        figures.longestStop = Math.max(figures.longestStop, Date.now() - began)
        const started = await start(role, old.port)
        servers[index] = started
        ;(role === 'api' ? apis : workers).replace(old, started)
      }
    const accepted = await poster.end()
    const missing = (): number =>
      tabs.reduce((sum, tab) => sum + Math.max(0, (accepted.get(tab.user) ?? 0) - tab.count), 0)
    // What never comes is the finding, not an error.
    await until(async () => missing() === 0, 20_000).catch(() => undefined)
    figures.posts = poster.posts
    figures.failedPosts = poster.failed
    figures.timeouts = poster.timeouts
    figures.lost = missing()
    for (const tab of tabs) {
      figures.duplicated += tab.duplicated
      figures.gaps += tab.all('gap').length
      figures.reconnects += tab.reconnects
    }
    return figures
  } finally {
    for (const tab of tabs) tab.close()
    apis.close()
    workers.close()
    await Promise.all(servers.map((server) => server.kill()))
    await redis.stop()
  }
}

/** Two tabs of each user, one by websocket and one by polling. */
function tabOf(workers: Balancer, index: number): RovingTab {
  const transport = index % 2 === 0 ? 'websocket' : 'polling'
  return new RovingTab(workers, { secret: JWT_SECRET, user: `user-${index >> 1}`, transport })
}
