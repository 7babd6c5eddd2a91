import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { childrenOf, isAlive } from '../support/programs/children.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

/** The spread, what tabs and requests may take to hear of it, and air for a busy machine; in milliseconds. */
const MOST = 1000 + 6000 + 3000

test('SIGTERM ends with exit code 0 in time, whatever hangs on the process, and with a Redis that answers nothing', async () => {
  const redis = await startRedis()
  const server = await startTabcast({ REDIS_URL: redis.url, DRAIN_SECONDS: '1' })
  try {
    const token = browserToken(server.jwtSecret, { user: 'ada' })
    const tabs = [
      new TestTab(server.url, { token }),
      new TestTab(server.url, { token, transports: ['polling'] }),
    ]
    const [deaf] = await Promise.all(tabs.map((tab) => tab.connected()))
    const { transport } = deaf!.socket.io.engine as unknown as {
      transport: { ws: { _socket: import('node:net').Socket } }
    }
    transport.ws._socket.pause()
    const half = connect(server.port, '127.0.0.1')
    half.on('error', () => undefined)
    await once(half, 'connect')
    half.write('POST /notify/ada HTTP/1.1\r\nHost: x\r\n')
    redis.pause()
    const began = Date.now()
    expect(await server.stop()).toBe(0)
    expect(Date.now() - began).toBeLessThan(MOST)
    for (const tab of tabs) tab.close()
    half.destroy()
  } finally {
    await server.kill()
    await redis.stop()
  }
})

test('a process that is stopped as soon as it answers, while its Redis does not, ends with exit code 0', async () => {
  const redis = await startRedis()
  redis.pause()
  try {
    const server = await startTabcast({ REDIS_URL: redis.url, DRAIN_SECONDS: '0' }, { until: 'live' })
    expect(await server.stop()).toBe(0)
  } finally {
    redis.resume()
    await redis.stop()
  }
})

/** Signals all processes in front of a terminal, as Ctrl-C does. */
async function interrupt({ pid }: Tabcast): Promise<void> {
  for (const each of [pid, ...(await childrenOf(pid))]) process.kill(each, 'SIGINT')
}

const farewells = ({ output }: Tabcast): string[] => output().match(/^Stopping: .*$/gm) ?? []

test.each([
  ['one process', {}],
  ['several', { WORKERS: '2', LOG_LEVEL: 'info' }],
])(
  'Ctrl-C with a tab on %s says how long it takes, and another ends it at once',
  async (_name, more) => {
    const redis = await startRedis()
    const server = await startTabcast({ REDIS_URL: redis.url, DRAIN_SECONDS: '60', ...more })
    const tab = new TestTab(server.url, { token: browserToken(server.jwtSecret, { user: 'ada' }) })
    try {
      await tab.connected()
      if ('WORKERS' in more) await until(async () => server.output().includes('"msg":"1 connection"'), 20_000)
      const began = Date.now()
      await interrupt(server)
      // npm passes on what the terminal has sent to both: within a second it is the same.
      process.kill(server.pid, 'SIGINT')
      await tab.sees('going-away')
      await until(
        async () => {
          if (isAlive(server.pid)) await interrupt(server)
          return !isAlive(server.pid)
        },
        10_000,
        200,
      )
      expect(await server.exited).toBe(1)
      expect(Date.now() - began).toBeGreaterThan(1000)
      expect(farewells(server)).toEqual([
        'Stopping: 1 tab is sent elsewhere within 60 s. Press Ctrl-C again to stop at once.',
      ])
    } finally {
      tab.close()
      await server.kill()
      await redis.stop()
    }
  },
  40_000,
)

test.each([
  ['without a tab', {}, 'SIGINT', false],
  ['in production', { NODE_ENV: 'production' }, 'SIGINT', true],
  ['for another signal', {}, 'SIGTERM', true],
] as const)('nothing is printed at a stop %s', async (_name, env, signal, withTab) => {
  const server = await startTabcast({ DRAIN_SECONDS: '1', LOG_LEVEL: 'error', ...env })
  const tab = new TestTab(server.url, { token: browserToken(server.jwtSecret, { user: 'ada' }) })
  try {
    await tab.connected()
    if (!withTab) {
      tab.close()
      await until(
        async () =>
          (await (await fetch(`${server.url}/metrics`)).text()).includes('\ntabcast_connections 0\n'),
        5000,
      )
    }
    process.kill(server.pid, signal)
    expect(await server.exited).toBe(0)
    expect(farewells(server)).toEqual([])
  } finally {
    tab.close()
    await server.kill()
  }
})
