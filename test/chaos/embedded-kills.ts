import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { until } from '../support/until.ts'
import { completed, judge, type Verdict } from './parts/judge.ts'
import { KeepingTab } from './parts/keeping-tab.ts'
import { Lane } from './parts/lane.ts'

/** Figures of a process that was killed again and again, as its tabs and backends saw it. */
export interface KillFigures extends Verdict {
  kills: number
  posts: number
  /** Number of attempts that were not answered, and of posts that had been stored by such an attempt. */
  unanswered: number
  replayed: number
  /** The tabs whose callbacks got anything but every publication of their user, once, in the order in which it was posted. */
  wrong: string[]
  /** The fewest times that one of the tabs connected again. */
  fewestReconnects: number
}

const JWT_SECRET = 'k'.repeat(40)
const USERS = 10
/** Number of posts that are taken between a start and the next kill, in turn: some kills hit tabs that are still coming back. */
const BETWEEN = [100, 10, 50]
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 30_000

/**
 * One process on a file, killed in the middle of posts and started again on the same port, so many times. The answers of the last moment
 * before each kill are lost on their way.
 */
export async function embeddedKills(kills: number): Promise<KillFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'tabcast-kills-'))
  const env = {
    DATA: join(directory, 'tabcast.db'),
    JWT_SECRET,
    API_KEYS: `test:${'k'.repeat(32)}`,
    RETENTION_COUNT: '1000000',
  }
  let server = await startTabcast(env)
  const way = await startProxy(server.port)
  const users = Array.from({ length: USERS }, (_, index) => `u${index}`)
  const api = { url: `http://127.0.0.1:${way.port}`, apiKey: server.apiKey }
  const lanes = users.map((user) => new Lane(api, `user:${user}`))
  const tabs = users.map((user, index) => tabOf(server, user, index % 2 === 0 ? 'websocket' : 'polling'))
  try {
    await Promise.all(tabs.map((tab) => tab.begins()))
    for (const lane of lanes) lane.run()
    for (let kill = 0; kill < kills; kill++) {
      const goal = posts(lanes) + BETWEEN[kill % BETWEEN.length]!
      await until(async () => posts(lanes) >= goal, PATIENCE, 5)
      await loseAnswers(way)
      await server.kill()
      way.set('open')
      server = await startTabcast(env, { port: server.port })
    }
    await Promise.all(lanes.map((lane) => lane.end()))
    await completed(tabs, lanes, PATIENCE)
    return figuresOf(kills, tabs, lanes)
  } finally {
    for (const tab of tabs) tab.close()
    await Promise.all(lanes.map((lane) => lane.abandon()))
    await way.close()
    await server.kill()
    await rm(directory, { recursive: true, force: true })
  }
}

const tabOf = ({ url }: Tabcast, user: string, transport: 'websocket' | 'polling'): KeepingTab =>
  new KeepingTab(url, { secret: JWT_SECRET, user, transports: [transport] })

/** Resolves when at least one answer is lost. */
async function loseAnswers(way: TcpProxy): Promise<void> {
  const before = way.dropped
  way.set('deaf')
  await until(async () => way.dropped > before, PATIENCE, 5)
}

const posts = (lanes: readonly Lane[]): number => lanes.reduce((sum, { taken }) => sum + taken.length, 0)

function figuresOf(kills: number, tabs: readonly KeepingTab[], lanes: readonly Lane[]): KillFigures {
  const wrong = lanes.filter(({ taken }, index) => {
    const seen = tabs[index]!.all('notification').map(({ data }) => data)
    return JSON.stringify(seen) !== JSON.stringify(taken.map(({ name }) => name))
  })
  return {
    ...judge(tabs, lanes),
    kills,
    posts: posts(lanes),
    unanswered: lanes.reduce((sum, { attempts, taken }) => sum + attempts - taken.length, 0),
    replayed: lanes.reduce((sum, { replayed }) => sum + replayed, 0),
    wrong: wrong.map(({ channel }) => channel),
    fewestReconnects: Math.min(...tabs.map(({ disconnects }) => disconnects)),
  }
}
