import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/programs/free-port.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const JWT_SECRET = 's'.repeat(40)
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

const post = (
  server: Tabcast,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(server.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

describe('one api and two workers on a real Redis', () => {
  let redis: RedisServer
  let api: Tabcast
  let workers: Tabcast[]

  beforeAll(async () => {
    redis = await startRedis({ aof: true, password: 'a:b@c/d?#' })
    const env = { REDIS_URL: redis.url, JWT_SECRET }
    ;[api, ...workers] = (await Promise.all([
      startTabcast({ ...env, ROLE: 'api' }),
      startTabcast({ ...env, ROLE: 'worker' }),
      startTabcast({ ...env, ROLE: 'worker' }),
    ])) as [Tabcast, ...Tabcast[]]
  })
  afterAll(async () => {
    await Promise.all([api, ...workers].map((server) => server.kill()))
    await redis.stop()
  })

  const tabOn = async (server: Tabcast, user: string, since?: object) =>
    new TestTab(server.url, { token: await browserToken(JWT_SECRET, { user }), since })

  test('one POST reaches the tabs on both, and only those of its user', async () => {
    const tabs = await Promise.all(workers.map(async (worker) => (await tabOn(worker, 'ada')).connected()))
    const other = await (await tabOn(workers[0]!, 'eve')).connected()
    const response = await post(api, '/notify/ada', { title: 'Hello' })
    expect(response.status).toBe(201)
    expect(await response.json()).toMatchObject({ seq: 1, connections: 2 })
    for (const tab of tabs) expect((await tab.sees('notification'))[0].title).toBe('Hello')
    expect(other.seen).toEqual([])
    for (const tab of [...tabs, other]) tab.close()
  })

  test('a worker has no backend routes, an api no sockets', async () => {
    expect((await post(workers[0]!, '/notify/ada', { title: 'Hello' })).status).toBe(404)
    const tab = new TestTab(api.url, { token: 'any', reconnection: false })
    await expect(tab.connected()).rejects.toThrow()
  })

  test('a killed worker: its tabs go to the other with their cursor and miss nothing, and it is no longer counted', async () => {
    const [dying, staying] = workers as [Tabcast, Tabcast]
    const tab = await tabOn(dying, 'bob', {})
    await tab.sees('position')
    await post(api, '/notify/bob', { title: 'before' })
    const [{ seq, epoch }] = await tab.sees('notification')
    const gone = tab.disconnected()
    await dying.kill()
    await gone
    tab.close()
    for (let index = 0; index < 5; index++) await post(api, '/notify/bob', { title: `away ${index}` })
    const moved = await tabOn(staying, 'bob', { seq, epoch })
    await moved.sees('position')
    await post(api, '/notify/bob', { title: 'after' })
    await moved.sees('notification', 6)
    expect(moved.all('notification').map((heard) => heard.seq)).toEqual(numbers(2, 7))
    expect(moved.all('gap')).toEqual([])
    const presence = async () => {
      const response = await fetch(`${api.url}/users/bob/presence`, {
        headers: { authorization: `Bearer ${api.apiKey}` },
      })
      return (await response.json()) as { connections: number }
    }
    // The dead worker's tab is counted until its signs of life have been missing long enough; ten seconds are promised.
    await until(async () => (await presence()).connections === 1, 10_000)
    moved.close()
    workers[0] = await startTabcast({ REDIS_URL: redis.url, JWT_SECRET, ROLE: 'worker' })
  })

  test('a disconnect by the backend reaches every worker, and stock clients stay away', async () => {
    const tabs = await Promise.all(workers.map(async (worker) => (await tabOn(worker, 'cem')).connected()))
    const gone = tabs.map((tab) => tab.disconnected())
    expect((await post(api, '/users/cem/disconnect', {})).status).toBe(202)
    expect(await Promise.all(gone)).toEqual(['io server disconnect', 'io server disconnect'])
  })
})

describe('Redis that comes and goes', () => {
  test('absent at the start: the process stays up and says so, and is ready within 2 s after Redis is', async () => {
    const port = await freePort()
    const server = await startTabcast({ REDIS_URL: `redis://127.0.0.1:${port}` }, { until: 'live' })
    let redis: RedisServer | undefined
    try {
      expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
      // The first canary needs a moment to find out why.
      await until(
        async () => (await (await fetch(`${server.url}/readyz`)).text()).includes('ECONNREFUSED'),
        3000,
      )
      const start = Date.now()
      const refused = await post(server, '/notify/ada', { title: 'Hello' })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await refused.json()).toMatchObject({ code: 'engine_unavailable' })
      expect(Date.now() - start).toBeLessThan(2000)

      redis = await startRedis({ port })
      const appeared = Date.now()
      await until(async () => (await fetch(`${server.url}/readyz`)).status === 200, 4000)
      expect(Date.now() - appeared).toBeLessThan(2000)
      expect((await post(server, '/notify/ada', { title: 'Hello' })).status).toBe(201)
    } finally {
      await server.kill()
      await redis?.stop()
    }
  })

  test('frozen: every post is answered within 2 s; thawed: it goes on', async () => {
    const redis = await startRedis()
    const server = await startTabcast({ REDIS_URL: redis.url })
    try {
      process.kill(redis.pid, 'SIGSTOP')
      const start = Date.now()
      const refused = await Promise.all(
        [1, 2, 3].map((index) => post(server, '/notify/ada', { title: `${index}` })),
      )
      expect(refused.map(({ status }) => status)).toEqual([503, 503, 503])
      expect(Date.now() - start).toBeLessThan(2000)
      process.kill(redis.pid, 'SIGCONT')
      await until(async () => (await fetch(`${server.url}/readyz`)).status === 200, 5000)
      expect((await post(server, '/notify/ada', { title: 'again' })).status).toBe(201)
    } finally {
      process.kill(redis.pid, 'SIGCONT')
      await server.kill()
      await redis.stop()
    }
  })

  test('killed and restarted with its file: tabs stay connected and miss nothing', async () => {
    const redis = await startRedis({ aof: true })
    const server = await startTabcast({ REDIS_URL: redis.url, JWT_SECRET })
    try {
      const tab = new TestTab(server.url, { token: await browserToken(JWT_SECRET, { user: 'ada' }) })
      await tab.connected()
      await post(server, '/notify/ada', { title: 'before' })
      await tab.sees('notification')
      await redis.kill()
      await redis.restart()
      await until(async () => (await post(server, '/notify/ada', { title: 'after' })).status === 201, 5000)
      await tab.sees('notification', 2)
      expect(tab.all('notification').map(({ seq }) => seq)).toEqual([1, 2])
      expect(tab.all('gap')).toEqual([])
      expect(tab.socket.connected).toBe(true)
      tab.close()
    } finally {
      await server.kill()
      await redis.stop()
    }
  })

  test('nothing but REDIS_URL is needed to run on it', async () => {
    const redis = await startRedis()
    const server = await startTabcast({ REDIS_URL: redis.url }, { bare: true })
    try {
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
      // What it prints comes by another way than what it answers.
      await until(async () => server.output().includes('Redis'), 5000)
    } finally {
      await server.kill()
      await redis.stop()
    }
  })
})
