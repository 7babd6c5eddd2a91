/**
 * Notify, end to end: HTTP in, one tab or three tabs out, against a bare Fastify POST of the same body. Every round measures all of them
 * in turn, so that a machine that changes its speed changes all of them alike; the figures are ratios within a round.
 */
import { startRedis } from '../test/support/programs/redis.ts'
import { startNode, startTabcast, type Tabcast } from '../test/support/programs/tabcast.ts'
import { browserToken } from '../test/support/tokens.ts'
import { postAll, request } from './http-posts.ts'
import { type Measured, measure, median, spread } from './ratio.ts'
import { openTab, type Tab } from './tab.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7)
const POSTS = Number(process.env.BENCH_POSTS ?? 20_000)
const USERS = 200
const CONNECTIONS = 64

const BODY = JSON.stringify({
  title: 'Your export is ready',
  body: 'Report 2026-11 has 1,204 rows.',
  type: 'export.finished',
  severity: 'success',
  url: '/exports/42',
  data: { id: 42, rows: 1204 },
})

/** One thing to be measured: where the posts go, and the tabs that must hear them. */
interface Subject {
  name: string
  port: number
  key: string
  tabs: number
  /** Deliveries so far. */
  heard: { count: number; target: number; reached: () => void }
}

const userName = (prefix: string, index: number): string => `${prefix}-${index % USERS}`

async function withTabs(
  name: string,
  api: Tabcast,
  worker: Tabcast,
  tabs: number,
  opened: Tab[],
): Promise<Subject> {
  const heard = { count: 0, target: 0, reached: () => {} }
  const hear = (): void => {
    if (++heard.count === heard.target) heard.reached()
  }
  for (let tab = 0; tab < tabs; tab++)
    opened.push(
      ...(await Promise.all(
        Array.from({ length: USERS }, async (_, index) =>
          openTab(worker.port, await browserToken(worker.jwtSecret, { user: userName(name, index) }), hear),
        ),
      )),
    )
  return { name, port: api.port, key: api.apiKey, tabs, heard }
}

/** Sends the posts of a round and waits for the last delivery. */
async function run({ name, port, key, tabs, heard }: Subject): Promise<Measured> {
  const requests = Array.from({ length: POSTS }, (_, index) =>
    request(`/notify/${userName(name, index)}`, key, BODY),
  )
  const all = new Promise<void>((resolve) => {
    heard.reached = resolve
  })
  heard.target = heard.count + POSTS * tabs
  return measure(async () => {
    const { failed } = await postAll(port, requests, CONNECTIONS)
    if (failed > 0) throw new Error(`${name}: ${failed} posts failed`)
    if (tabs > 0) await all
  })
}

/** The tabs of the bench do not come back when they are refused. */
const ALL_AT_ONCE = { MAX_CONNECTS_PER_SECOND: '1000000' }

/** Runs the bench and answers the lines to print. */
export async function benchNotify(): Promise<string[]> {
  const redis = await startRedis()
  const env = { REDIS_URL: redis.url }
  const bare = await startNode('bench/bare-server.ts')
  const embedded = await startTabcast(ALL_AT_ONCE)
  const api = await startTabcast({ ...env, ROLE: 'api' })
  const worker = await startTabcast({
    ...env,
    ...ALL_AT_ONCE,
    ROLE: 'worker',
    API_KEYS: `bench:${api.apiKey}`,
    JWT_SECRET: api.jwtSecret,
  })
  const opened: Tab[] = []
  try {
    const subjects: Subject[] = [
      {
        name: 'bare',
        port: bare.port,
        key: 'none',
        tabs: 0,
        heard: { count: 0, target: 0, reached: () => {} },
      },
      await withTabs('embedded-1', embedded, embedded, 1, opened),
      await withTabs('embedded-3', embedded, embedded, 3, opened),
      await withTabs('redis-1', api, worker, 1, opened),
      await withTabs('redis-3', api, worker, 3, opened),
    ]
    const rounds: Measured[][] = []
    // The first round warms the compilers up and does not count.
    for (let round = 0; round <= ROUNDS; round++) {
      const figures: Measured[] = []
      for (const subject of subjects) figures.push(await run(subject))
      if (round > 0) rounds.push(figures)
    }
    return report(subjects, rounds)
  } finally {
    for (const tab of opened) tab.close()
    await Promise.all([bare.kill(), embedded.kill(), api.kill(), worker.kill()])
    await redis.stop()
  }
}

function report(subjects: Subject[], rounds: Measured[][]): string[] {
  const rate = (index: number): number => median(rounds.map((round) => POSTS / round[index]!.seconds))
  const cores = (index: number): string => spread(rounds.map((round) => round[index]!.cores))
  const ratio = (index: number): string =>
    spread(rounds.map((round) => round[0]!.seconds / round[index]!.seconds))
  return [
    `notify, end to end: ${POSTS} posts by ${CONNECTIONS} connections to ${USERS} users, ${rounds.length} rounds`,
    `  bare Fastify POST       1                    ${Math.round(rate(0))}/s   client ${cores(0)} cores`,
    ...subjects
      .slice(1)
      .map(
        ({ name }, index) =>
          `  ${name.padEnd(22)}  ${ratio(index + 1).padEnd(19)}  ${Math.round(rate(index + 1))}/s   client ${cores(index + 1)} cores`,
      ),
    '  The client is not what is waited for while it uses less than one core.',
  ]
}
