import { childrenOf } from '../support/programs/children.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast } from '../support/programs/tabcast.ts'
import { hasWorkers } from '../support/programs/workers.ts'
import { until } from '../support/until.ts'
import { Balancer } from './parts/balancer.ts'
import { Poster } from './parts/poster.ts'
import { RovingTab } from './parts/roving-tab.ts'

export interface KilledCoreOptions {
  /** Number of tabs, half of them by polling; two of each user. */
  sockets: number
  /** Number of processes that share the port. */
  workers: number
  /** Number of those that are killed, one after the other, each when all are there again. */
  kills: number
  /** Notifications a second in all. */
  rate: number
}

/** Figures of the tabs. */
export interface KilledCoreFigures {
  posts: number
  /** Posts whose answer was lost with the process that had them. */
  failedPosts: number
  /** Notifications that were answered 201 and that a tab of their user never saw, over all tabs. */
  lost: number
  /** Notifications that a tab saw again, or after a later one. */
  duplicated: number
  gaps: number
  /** Tabs that had to begin anew at least once, by transport. */
  moved: { websocket: number; polling: number }
}

const JWT_SECRET = 'k'.repeat(40)
const API_KEY = 'api-key-of-the-killed-cores'
/** Number of tabs that open at once. */
const AT_ONCE = 50

/** Several processes on one port and a real Redis; stock clients that keep a cursor, posts all the time, and one process killed after the other. */
export async function killedCore({
  sockets,
  workers,
  kills,
  rate,
}: KilledCoreOptions): Promise<KilledCoreFigures> {
  const redis = await startRedis()
  const server = await startTabcast({
    REDIS_URL: redis.url,
    WORKERS: `${workers}`,
    JWT_SECRET,
    API_KEYS: `test:${API_KEY}`,
    DRAIN_SECONDS: '0',
    MAX_CONNECTS_PER_SECOND: '1000',
  })
  const port = new Balancer([server])
  const tabs: RovingTab[] = []
  try {
    await hasWorkers(server, workers)
    for (let index = 0; index < sockets; index += AT_ONCE) {
      const count = Math.min(AT_ONCE, sockets - index)
      const opened = Array.from({ length: count }, (_, at) => tabOf(port, index + at))
      tabs.push(...opened)
      await Promise.all(opened.map((tab) => tab.sees('position')))
    }
    const poster = new Poster(port, [...new Set(tabs.map(({ user }) => user))], rate)
    for (let kill = 0; kill < kills; kill++) {
      const posts = poster.posts
      await until(async () => poster.posts >= posts + rate, 60_000)
      const [oldest] = await childrenOf(server.pid)
      process.kill(oldest!, 'SIGKILL')
      await until(async () => !(await childrenOf(server.pid)).includes(oldest!), 10_000)
      await hasWorkers(server, workers)
    }
    const accepted = await poster.end()
    const missing = (): number =>
      tabs.reduce((sum, tab) => sum + Math.max(0, (accepted.get(tab.user) ?? 0) - tab.count), 0)
    // What never comes is the finding, not an error.
    await until(async () => missing() === 0, 20_000).catch(() => undefined)
    const movedBy = (transport: string): number =>
      tabs.filter((tab, index) => transportOf(index) === transport && tab.reconnects > 0).length
    return {
      posts: poster.posts,
      failedPosts: poster.failed.length,
      lost: missing(),
      duplicated: tabs.reduce((sum, tab) => sum + tab.duplicated, 0),
      gaps: tabs.reduce((sum, tab) => sum + tab.all('gap').length, 0),
      moved: { websocket: movedBy('websocket'), polling: movedBy('polling') },
    }
  } finally {
    for (const tab of tabs) tab.close()
    port.close()
    await server.stop()
    await redis.stop()
  }
}

const transportOf = (index: number): 'websocket' | 'polling' => (index % 2 === 0 ? 'websocket' : 'polling')

function tabOf(port: Balancer, index: number): RovingTab {
  return new RovingTab(port, {
    secret: JWT_SECRET,
    user: `user-${index >> 1}`,
    transport: transportOf(index),
  })
}
