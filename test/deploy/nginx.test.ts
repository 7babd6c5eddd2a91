import { Agent } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { startNginx } from '../support/programs/nginx.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { type TabOptions, TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const JWT_SECRET = 'n'.repeat(40)
const API_KEYS = `test:${'k'.repeat(40)}`
/** On each transport. */
const CLIENTS = 10

/** Each way to end a worker, behind each configuration. */
const ENDS: [file: string, signal: 'SIGKILL' | 'SIGTERM'][] = [
  ['nginx.conf', 'SIGKILL'],
  ['nginx.conf', 'SIGTERM'],
  ['nginx-sticky-cookie.conf', 'SIGKILL'],
  ...(isLong ? [['nginx-sticky-cookie.conf', 'SIGTERM'] as [string, 'SIGTERM']] : []),
]

let redis: RedisServer
let api: Tabcast

const start = (env: Record<string, string>): Promise<Tabcast> =>
  startTabcast({ REDIS_URL: redis.url, JWT_SECRET, API_KEYS, DRAIN_SECONDS: '1', ...env })

beforeAll(async () => {
  redis = await startRedis()
  api = await start({ ROLE: 'api' })
}, 60_000)

afterAll(async () => {
  await api?.stop()
  await redis?.stop()
})

/** A stock client that keeps its cursor, at an address of its own. */
function tabFrom(url: string, index: number, options: TabOptions): TestTab {
  const tab = new TestTab(url, {
    token: browserToken(JWT_SECRET, { user: 'ada' }),
    since: {},
    // A cookie is kept, as by a browser.
    withCredentials: true,
    agent: new Agent({ localAddress: `127.0.${index + 1}.1`, keepAlive: true }) as never,
    ...options,
  })
  for (const event of ['position', 'notification'])
    tab.socket.on(event, ({ seq, epoch }) => {
      tab.since = { seq, epoch }
    })
  return tab
}

const connectionsOf = async ({ url }: Tabcast): Promise<number> => {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  return Number(/^tabcast_port_connections (\d+)$/m.exec(metrics)![1])
}

describe('two workers of two processes each', () => {
  test.each(ENDS)(
    '%s, %s of one: its clients move on and miss nothing',
    async (file, signal) => {
      const workers = await Promise.all([
        start({ ROLE: 'worker', WORKERS: '2' }),
        start({ ROLE: 'worker', WORKERS: '2' }),
      ])
      const [leaving, staying] = workers as [Tabcast, Tabcast]
      const address = ({ port }: Tabcast): string => `127.0.0.1:${port}`
      const nginx = await startNginx(
        { 'api:3000': address(api), 'worker1:3000': address(leaving), 'worker2:3000': address(staying) },
        file,
      )
      const tabs: TestTab[] = []
      let posts = 0
      const notify = async (): Promise<void> => {
        const response = await fetch(`${nginx.url}/notify/ada`, {
          method: 'POST',
          headers: { authorization: `Bearer ${api.apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify({ title: `${posts++}` }),
        })
        expect(response.status).toBe(201)
      }
      try {
        for (let index = 0; index < CLIENTS; index++)
          for (const transport of ['polling', 'websocket'] as const)
            tabs.push(tabFrom(nginx.url, index, { transports: [transport] }))
        await Promise.all(tabs.map((tab) => tab.sees('position')))
        const before = await Promise.all(workers.map(connectionsOf))
        expect(before[0]! + before[1]!).toBe(tabs.length)
        expect(Math.min(...before)).toBeGreaterThan(0)
        await notify()
        const gone = signal === 'SIGTERM' ? leaving.stop() : leaving.kill()
        await notify()
        await gone
        await notify()
        // More, when a poll was led elsewhere in the middle of its handshake: the half of it that is here lasts until its ping is missed.
        await until(async () => (await connectionsOf(staying)) >= tabs.length, 15_000)
        await notify()
        await Promise.all(tabs.map((tab) => tab.sees('notification', posts)))
        const titles = Array.from({ length: posts }, (_, index) => `${index}`)
        for (const tab of tabs) {
          expect(tab.all('notification').map(({ title }) => title)).toEqual(titles)
          expect(tab.all('gap')).toEqual([])
        }
      } finally {
        for (const tab of tabs) tab.close()
        await nginx.stop()
        await Promise.all(workers.map((worker) => worker.stop()))
      }
    },
    60_000,
  )
})
