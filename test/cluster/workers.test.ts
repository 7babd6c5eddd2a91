import { Agent } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { hasWorkers } from '../support/programs/workers.ts'
import { type TabOptions, TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'

let redis: RedisServer
let server: Tabcast

beforeAll(async () => {
  redis = await startRedis()
  server = await startTabcast({
    REDIS_URL: redis.url,
    WORKERS: '4',
    DRAIN_SECONDS: '0',
    MAX_CONNECTIONS_PER_USER: '1000',
  })
  await hasWorkers(server, 4)
}, 60_000)

afterAll(async () => {
  await server?.stop()
  await redis?.stop()
})

const token = (user: string): string => browserToken(server.jwtSecret, { user })

const tabOf = (user: string, options: TabOptions): TestTab =>
  new TestTab(server.url, { token: token(user), since: {}, ...options })

async function notify(user: string, notification: object): Promise<{ seq: number; connections: number }> {
  const response = await fetch(`${server.url}/notify/${user}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(notification),
  })
  expect(response.status).toBe(201)
  return (await response.json()) as { seq: number; connections: number }
}

/** As browsers do, and as clients do that open a connection for each request. */
const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: false })]

test.each([
  ['with keep-alive', agents[0]!],
  ['without', agents[1]!],
])(
  'polling, websocket and upgrading clients on one port hear everything once, %s',
  async (name, agent) => {
    const user = `all-${name.replace(' ', '-')}`
    const kinds: [number, TabOptions][] = [
      [40, { transports: ['polling'] }],
      [40, { transports: ['websocket'] }],
      [20, { transports: ['polling', 'websocket'] }],
    ]
    const tabs = kinds.flatMap(([count, options]) =>
      // The agent goes down to Node's own HTTP client, past the types, which are those of browsers.
      Array.from({ length: count }, () => tabOf(user, { ...options, agent: agent as never })),
    )
    try {
      await Promise.all(tabs.map((tab) => tab.sees('position')))
      const upgraded = tabs.slice(80).map(({ socket: { io } }) => ({ engine: io.engine }))
      for (let count = 0; count < 20; count++)
        expect(await notify(user, { title: `${count}` })).toMatchObject({ connections: 100 })
      await Promise.all(tabs.map((tab) => tab.sees('notification', 20)))
      const titles = Array.from({ length: 20 }, (_, index) => `${index}`)
      for (const tab of tabs) {
        expect(tab.all('notification').map(({ title }) => title)).toEqual(titles)
        expect(tab.all('gap')).toEqual([])
      }
      expect(upgraded.map(({ engine }) => engine.transport.name)).toEqual(Array(20).fill('websocket'))
    } finally {
      for (const tab of tabs) tab.close()
    }
  },
  40_000,
)
