import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPolling, polling } from '../support/polling.ts'
import { childrenOf, isAlive } from '../support/programs/children.ts'
import { freePort } from '../support/programs/free-port.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast, type TabcastOptions } from '../support/programs/tabcast.ts'
import { hasWorkers } from '../support/programs/workers.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

let redis: RedisServer
let temporary: string

beforeAll(async () => {
  redis = await startRedis()
  temporary = await mkdtemp(join(tmpdir(), 'cluster-'))
})

afterAll(async () => {
  await redis.stop()
  await rm(temporary, { recursive: true, force: true })
})

/** Two processes, in whose folder of sockets nobody else's is. */
const start = (env: Record<string, string> = {}, options: TabcastOptions = {}): Promise<Tabcast> =>
  startTabcast({ REDIS_URL: redis.url, WORKERS: '2', DRAIN_SECONDS: '1', TMPDIR: temporary, ...env }, options)

const both = (server: Tabcast): Promise<void> => hasWorkers(server, 2)

const tabOf = (server: Tabcast, transport: 'websocket' | 'polling' = 'websocket'): TestTab => {
  const tab = new TestTab(server.url, {
    token: browserToken(server.jwtSecret, { user: 'ada' }),
    since: {},
    transports: [transport],
  })
  for (const event of ['position', 'notification'])
    tab.socket.on(event, ({ seq, epoch }) => {
      tab.since = { seq, epoch }
    })
  return tab
}

const post = (server: Tabcast): Promise<Response> =>
  fetch(`${server.url}/notify/ada`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: '{"title":"Hello"}',
  })

/** The process that has an engine session. */
const ownerOf = (sessionId: string): string => sessionId.split('.')[0]!

/** Connections to a port of loopback that the system has set up. */
async function connectionsTo(port: number): Promise<number> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
  return lines.filter(([, address, , state]) => address?.endsWith(local) && state === '01').length
}

describe('two processes', () => {
  let server: Tabcast
  beforeAll(async () => {
    server = await start({ LOG_LEVEL: 'info' })
    await both(server)
  })
  afterAll(() => server.kill())

  test('have the metrics of all, whoever is asked, and the log says how many connections there are when that has changed', async () => {
    const tabs = [tabOf(server), tabOf(server), tabOf(server, 'polling')]
    try {
      await Promise.all(tabs.map((tab) => tab.sees('position')))
      for (let times = 0; times < 4; times++) {
        const metrics = await (
          await fetch(`${server.url}/metrics`, { headers: { connection: 'close' } })
        ).text()
        const each = [...metrics.matchAll(/^tabcast_connections\{worker="(\d)"\} (\d+)$/gm)]
        expect(each.map(([, worker]) => worker).sort()).toEqual(['1', '2'])
        expect(each.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(3)
        expect(metrics).toContain('\ntabcast_port_connections 3\n')
        for (const worker of [1, 2])
          expect(metrics).toContain(`process_cpu_user_seconds_total{worker="${worker}"}`)
      }
      await until(async () => server.output().includes('"msg":"3 connections"'), 12_000)
      const line = server
        .output()
        .split('\n')
        .find((text) => text.includes('"msg":"3 connections"'))
      const { level, connections, workers } = JSON.parse(line!)
      expect([level, connections, Object.keys(workers)]).toEqual([30, 3, ['1', '2']])
      expect(workers['1'] + workers['2']).toBe(3)
      for (const tab of tabs.slice(1)) tab.close()
      await until(async () => server.output().includes('"msg":"1 connection"'), 12_000)
    } finally {
      for (const tab of tabs) tab.close()
    }
  }, 40_000)

  // The last one, since it stops them.
  test('have their sockets in a folder of this user only, which goes with them', async () => {
    const [folder] = await readdir(temporary)
    const path = join(temporary, folder!)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect(await readdir(path)).toHaveLength(2)
    expect(await server.stop()).toBe(0)
    expect(await readdir(temporary)).toEqual([])
  })
})

test('one that is killed is followed by another; its engine sessions begin anew, and miss nothing', async () => {
  const server = await start()
  const tabs = [tabOf(server), tabOf(server), tabOf(server, 'polling'), tabOf(server, 'polling')]
  try {
    await both(server)
    await Promise.all(tabs.map((tab) => tab.sees('position')))
    const sessionIds: string[] = []
    while (new Set(sessionIds.map(ownerOf)).size < 2) sessionIds.push(await openPolling(server.url))
    const before = await childrenOf(server.pid)
    expect(before).toHaveLength(2)
    process.kill(before[0]!, 'SIGKILL')
    await until(async () => {
      const now = await childrenOf(server.pid)
      return now.length === 2 && !now.includes(before[0]!)
    }, 10_000)
    await both(server)
    await until(async () => (await post(server)).status === 201, 5000)
    await Promise.all(tabs.map((tab) => tab.sees('notification')))
    for (const tab of tabs) expect(tab.all('notification')).toHaveLength(1)
    const isDead = async (sessionId: string): Promise<boolean> => {
      const { status, body } = await polling(server.url, { sessionId, body: '3' })
      if (status === 400) expect(JSON.parse(body)).toEqual({ code: 1, message: 'Session ID unknown' })
      return status === 400
    }
    const dead = new Map<string, boolean>()
    for (const sessionId of sessionIds) dead.set(ownerOf(sessionId), await isDead(sessionId))
    expect([...dead.values()].sort()).toEqual([false, true])
    expect(server.output()).toContain('ended with SIGKILL; another starts')
    expect(await server.stop()).toBe(0)
  } finally {
    for (const tab of tabs) tab.close()
    await server.kill()
  }
}, 40_000)

test('a connection that was being handed to a process when it died is closed, and its client need not wait', async () => {
  const server = await start()
  try {
    await both(server)
    const [first, second] = await childrenOf(server.pid)
    for (const pid of [first!, second!]) process.kill(pid, 'SIGSTOP')
    // One is handed to each, and neither takes it.
    const asked = [1, 2].map(() =>
      polling(server.url).then(
        ({ status }) => status,
        (error: NodeJS.ErrnoException) => error.code,
      ),
    )
    await until(async () => (await connectionsTo(server.port)) >= 2, 5000)
    process.kill(first!, 'SIGKILL')
    expect(await Promise.race(asked)).toBe('ECONNRESET')
    process.kill(second!, 'SIGCONT')
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['ECONNRESET', 200]))
  } finally {
    await server.stop()
  }
}, 30_000)

test('SIGTERM stops all at the same time, in the time of one, with exit code 0', async () => {
  const server = await start({ DRAIN_SECONDS: '2' })
  const tabs = Array.from({ length: 20 }, (_, index) =>
    tabOf(server, index % 2 === 0 ? 'polling' : 'websocket'),
  )
  try {
    await both(server)
    await Promise.all(tabs.map((tab) => tab.sees('position')))
    const children = await childrenOf(server.pid)
    const gone = tabs.map((tab) => tab.disconnected().then(() => Date.now()))
    const began = Date.now()
    expect(await server.stop()).toBe(0)
    expect(Date.now() - began).toBeLessThan(2000 + 6000)
    for (const tab of tabs) expect(tab.all('going-away')).toHaveLength(1)
    const times = await Promise.all(gone)
    // Each process spreads its own over the two seconds, also those that come through another.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(1000)
    expect(children.filter(isAlive)).toEqual([])
  } finally {
    for (const tab of tabs) tab.close()
    await server.kill()
  }
}, 30_000)

test('a second signal ends all at once', async () => {
  const server = await start({ DRAIN_SECONDS: '60' })
  const tab = tabOf(server)
  try {
    await both(server)
    await tab.sees('position')
    const children = await childrenOf(server.pid)
    process.kill(server.pid, 'SIGTERM')
    await tab.sees('going-away')
    const began = Date.now()
    // Within a second it would count as the same signal.
    await until(
      async () => {
        if (isAlive(server.pid)) process.kill(server.pid, 'SIGTERM')
        return !isAlive(server.pid)
      },
      10_000,
      200,
    )
    expect(await server.exited).toBe(1)
    expect(Date.now() - began).toBeLessThan(10_000)
    await until(async () => !children.some(isAlive), 5000)
    expect(await readdir(temporary)).toEqual([])
  } finally {
    tab.close()
    await server.kill()
  }
}, 30_000)

test('a drain that is cut short in one process is no exit code 0, though the parent was asked once only', async () => {
  const server = await start({ DRAIN_SECONDS: '60' })
  const tab = tabOf(server)
  try {
    await both(server)
    await tab.sees('position')
    const children = await childrenOf(server.pid)
    process.kill(server.pid, 'SIGTERM')
    await tab.sees('going-away')
    for (const child of children) process.kill(child, 'SIGKILL')
    expect(await server.exited).toBe(1)
  } finally {
    tab.close()
    await server.kill()
  }
}, 30_000)

test('when the parent is killed, the others send their tabs elsewhere and end', async () => {
  const server = await start()
  const tabs = [tabOf(server), tabOf(server, 'polling')]
  try {
    await both(server)
    await Promise.all(tabs.map((tab) => tab.sees('position')))
    const children = await childrenOf(server.pid)
    const began = Date.now()
    process.kill(server.pid, 'SIGKILL')
    await Promise.all(tabs.map((tab) => tab.sees('going-away')))
    await until(async () => !children.some(isAlive), 10_000)
    expect(Date.now() - began).toBeLessThan(1000 + 6000)
    expect(await readdir(temporary)).toEqual([])
  } finally {
    for (const tab of tabs) tab.close()
    await server.kill()
  }
}, 30_000)

describe('what cannot start says why, once, and leaves nothing', () => {
  test.each([['the port is taken', 'Another program listens there already']])(
    '%s',
    async (_name, reason) => {
      const port = await freePort()
      const other = createServer().listen(port, '127.0.0.1')
      await once(other, 'listening')
      const server = await start({}, { port, until: 'exit' })
      expect(await server.exited).toBe(1)
      expect(server.output().split(reason)).toHaveLength(2)
      expect(await readdir(temporary)).toEqual([])
      other.close()
    },
    30_000,
  )

  test('the folder for the sockets cannot be made', async () => {
    const server = await start({ TMPDIR: join(temporary, 'missing') }, { until: 'exit' })
    expect(await server.exited).toBe(1)
    expect(server.output()).toMatch(/^Several processes want a folder for their sockets, but .* Set TMPDIR /)
  }, 30_000)
})

test('every role has its processes: posts and tabs on two ports of two each', async () => {
  const secrets = { JWT_SECRET: 'c'.repeat(40), API_KEYS: `test:${'k'.repeat(40)}`, REDIS_PREFIX: 'roles' }
  const [api, worker] = (await Promise.all(
    ['api', 'worker'].map((role) => start({ ...secrets, ROLE: role })),
  )) as [Tabcast, Tabcast]
  const tabs = [tabOf(worker), tabOf(worker, 'polling'), tabOf(worker), tabOf(worker, 'polling')]
  try {
    await Promise.all([both(api), both(worker)])
    await Promise.all(tabs.map((tab) => tab.sees('position')))
    expect(await (await post(api)).json()).toMatchObject({ connections: 4 })
    await Promise.all(tabs.map((tab) => tab.sees('notification')))
    expect((await post(worker)).status).toBe(404)
    expect(
      (await fetch(`${api.url}/socket.io/?EIO=4&transport=polling&sid=1.abcdefghijklmnopqrst`)).status,
    ).toBe(404)
  } finally {
    for (const tab of tabs) tab.close()
    expect(await Promise.all([api.stop(), worker.stop()])).toEqual([0, 0])
  }
}, 40_000)

test.each([
  ['in a file', {}],
  ['nowhere', { DATA: ':memory:' }],
])(
  'in development all have the same secrets, kept %s, and one banner is printed',
  async (_name, env) => {
    const server = await start({ HOST: '127.0.0.1', ...env }, { bare: true })
    try {
      await both(server)
      await until(async () => server.output().includes('curl '), 10_000)
      const output = server.output()
      expect(output.match(/Tabcast is running as 2 processes/g)).toHaveLength(1)
      const key = /API key +(\S+)/.exec(output)![1]!
      for (let times = 0; times < 4; times++) {
        const headers = { connection: 'close' }
        const settings = await (await fetch(`${server.url}/demo/session?user=demo`, { headers })).json()
        expect(settings).toMatchObject({ apiKey: key })
        const tab = new TestTab(server.url, { token: (settings as { token: string }).token })
        await tab.connected()
        tab.close()
        const answer = await fetch(`${server.url}/notify/demo`, {
          method: 'POST',
          headers: { ...headers, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: '{"title":"x"}',
        })
        expect(answer.status).toBe(201)
      }
      expect(await server.stop()).toBe(0)
    } finally {
      await server.kill()
    }
  },
  40_000,
)
