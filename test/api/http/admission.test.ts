import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import type { ServiceError } from '../../../src/core/model/errors.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { openRedis } from '../../support/engines.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

const LIMIT = 5

interface Answer {
  status: number
  retryAfter: string | undefined
  type: string | undefined
  body: { code?: string; status?: number; seq?: number }
  milliseconds: number
}

describe('more publishes than the engine can take', () => {
  let redis: RedisServer
  let app: TestApp

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    app = await startApp({ REDIS_URL: redis.url, MAX_WAITING_PUBLISHES: String(LIMIT) })
    await app.app.engine.probe()
  })
  afterEach(async () => {
    redis.resume()
    await app.close()
  })

  const post = (agent?: Agent, path = '/notify/ada', body: object = { title: 'Hello' }): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const start = Date.now()
      const call = request(
        app.url + path,
        {
          // One of its own, unless the test says which.
          agent: agent ?? false,
          method: 'POST',
          headers: { authorization: `Bearer ${app.apiKey}`, 'content-type': 'application/json' },
        },
        (response) => {
          const { 'retry-after': retryAfter, 'content-type': type } = response.headers
          let text = ''
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk
          })
          response.on('end', () =>
            resolve({
              status: response.statusCode!,
              retryAfter,
              type,
              body: JSON.parse(text),
              milliseconds: Date.now() - start,
            }),
          )
        },
      )
      call.on('error', reject)
      call.end(JSON.stringify(body))
    })

  /** Lets so many publishes wait for a Redis that does not answer. */
  const letWait = (count: number): Promise<unknown>[] => {
    redis.pause()
    return Array.from({ length: count }, () =>
      app.app.publisher.notify('ada', { title: 'waits' }, { credential: 'test' }),
    )
  }

  test('as many as may wait are stored when the engine answers again', async () => {
    const waiting = letWait(LIMIT - 1)
    const last = post()
    await until(async () => app.app.publisher.capacity === 0, 500)
    redis.resume()
    await Promise.all(waiting)
    expect((await last).status).toBe(201)
  })

  test('one more is refused at once, with Retry-After, and taken when the others are done', async () => {
    const waiting = letWait(LIMIT)
    for (const path of ['/notify/ada', '/notify/ada?x=1', '/rooms/hall/messages']) {
      const refused = await post(undefined, path, { body: 'Hello' })
      expect(refused).toMatchObject({
        status: 503,
        retryAfter: '1',
        type: 'application/problem+json',
        body: { type: '/errors#overloaded', help: '/errors#overloaded', code: 'overloaded', status: 503 },
      })
      expect(refused.milliseconds).toBeLessThan(500)
    }
    redis.resume()
    await Promise.all(waiting)
    expect((await post()).status).toBe(201)
    expect(await (await fetch(`${app.url}/metrics`)).text()).toContain(
      'tabcast_http_errors_total{code="overloaded"} 3',
    )
  })

  test('PUT publishes, and is refused alike', async () => {
    const put = (credential = {}) =>
      fetch(`${app.url}/notify/ada/t`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', ...credential },
        body: '{"title":"Hello"}',
      })
    const waiting = letWait(LIMIT - 1)
    const last = put({ authorization: `Bearer ${app.apiKey}` })
    await until(async () => app.app.publisher.capacity === 0, 500)
    // Before a credential costs anything.
    expect(await (await put()).json()).toMatchObject({ status: 503, code: 'overloaded' })
    redis.resume()
    await Promise.all(waiting)
    expect((await last).status).toBe(201)
  })

  test('a call for many users is let in as a whole, goes out at once, and counts as all of them', async () => {
    const users = Array.from({ length: LIMIT * 4 }, (_, index) => `user-${index}`)
    const body = { users, notification: { title: 'Hello' } }
    const waiting = letWait(LIMIT - 1)
    const many = post(undefined, '/notify', body)
    await until(async () => app.app.publisher.capacity === 0, 500)
    for (const refused of [await post(), await post(undefined, '/notify', body)])
      expect(refused).toMatchObject({ status: 503, retryAfter: '1', body: { code: 'overloaded' } })
    redis.resume()
    await Promise.all(waiting)
    const { status, body: answer } = await many
    expect([status, (answer as { results: { seq: number }[] }).results.map(({ seq }) => seq)]).toEqual([
      200,
      users.map(() => 1),
    ])
    expect((await post()).status).toBe(201)
  })

  test('what is to be kept for later waits and is refused like the rest', async () => {
    const later = () =>
      app.app.publisher.schedule('ada', { title: 'Later' }, Date.now() + 60_000, { credential: 'test' })
    const waiting = letWait(LIMIT - 1)
    const last = later()
    await until(async () => app.app.publisher.capacity === 0, 500)
    await expect(later()).rejects.toMatchObject({ code: 'overloaded' })
    redis.resume()
    await Promise.all(waiting)
    expect(await last).toMatchObject({ replayed: false })
  })

  test('everything that does not publish is answered', async () => {
    letWait(LIMIT).map((waiting) => waiting.catch(() => undefined))
    expect((await fetch(`${app.url}/livez`)).status).toBe(200)
    expect((await fetch(`${app.url}/notify/ada`)).status).toBe(405)
    expect((await post(undefined, '/tokens', { user: 'ada' })).status).toBe(201)
    expect((await post(undefined, '/rooms/hall/other')).status).toBe(404)
  })

  test('who repeats at once on its connection waits in line, and is refused in time if nothing moves', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    letWait(LIMIT).map((waiting) => waiting.catch(() => undefined))
    const first = await post(agent)
    const second = await post(agent)
    expect([first.body.code, second.body.code]).toEqual(['overloaded', 'overloaded'])
    expect(first.milliseconds).toBeLessThan(500)
    expect(second.milliseconds).toBeGreaterThan(550)
    expect(second.milliseconds).toBeLessThan(2000)
    agent.destroy()
  })

  test('who waits in line is taken when there is room, the longest wait first', async () => {
    const agents = Array.from({ length: LIMIT * 3 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    const waiting = letWait(LIMIT)
    for (const { body } of await Promise.all(agents.map((agent) => post(agent))))
      expect(body.code).toBe('overloaded')
    const repeat = (agent: Agent) => post(agent, '/notify/grace')
    const first = agents.slice(0, LIMIT).map(repeat)
    await delay(50)
    const others = agents.slice(LIMIT).map(repeat)
    // Nobody who has gone is taken, nor does one hold up the others.
    const gone = new Agent({ keepAlive: true, maxSockets: 1 })
    expect((await post(gone)).body.code).toBe('overloaded')
    const lost = post(gone, '/notify/grace').catch(() => 'gone')
    await delay(50)
    gone.destroy()
    expect(await lost).toBe('gone')
    expect((await post()).body.code).toBe('overloaded')
    redis.resume()
    await Promise.all(waiting)
    const repeated = await Promise.all([...first, ...others])
    expect(repeated.map(({ status }) => status)).toEqual(agents.map(() => 201))
    const seqs = repeated.map(({ body }) => body.seq!)
    expect(Math.max(...seqs.slice(0, LIMIT))).toBeLessThan(Math.min(...seqs.slice(LIMIT)))
    expect((await post()).status).toBe(201)
    const { items } = await new Inboxes(app.app.engine).list('grace', { ...EVERYTHING, limit: 50 })
    expect(items).toHaveLength(agents.length)
    for (const agent of agents) agent.destroy()
  })

  test('who is taken by a store that does not answer gets an error in time, too', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const waiting = letWait(LIMIT).map((publish) => publish.catch(({ code }: ServiceError) => code))
    expect((await post(agent)).body.code).toBe('overloaded')
    await delay(450)
    // There is room when those who wait are given up.
    const repeated = await post(agent)
    expect(await Promise.all(waiting)).toEqual(Array(LIMIT).fill('engine_timeout'))
    expect(repeated.status).toBe(503)
    expect(repeated.body.code).toMatch(/^engine_/)
    expect(repeated.milliseconds).toBeLessThan(2000)
    agent.destroy()
  })

  test('what is said to the server itself is never refused for want of room', async () => {
    const waiting = letWait(LIMIT)
    const control = app.app.publisher.control('ada', { action: 'disconnect' })
    redis.resume()
    await Promise.all([...waiting, control])
  })
})

test('a burst of 10,000 in one turn: as many as may wait are stored, the rest is refused', async () => {
  const redis = await startRedis()
  // How fast a machine stores them is not asked here.
  const engine = await openRedis(redis.url, { commandTimeout: 20_000 })
  try {
    const publisher = new Publisher(engine, { maxWaiting: 1000 })
    const burst = await Promise.allSettled(
      Array.from({ length: 10_000 }, (_, index) =>
        publisher.notify(`user-${index % 100}`, { title: 'Hello' }, { credential: 'test' }),
      ),
    )
    const outcomes = Map.groupBy(burst, (one) =>
      one.status === 'fulfilled' ? 'stored' : (one.reason as ServiceError).code,
    )
    expect([...outcomes].map(([outcome, { length }]) => [outcome, length])).toEqual([
      ['stored', 1000],
      ['overloaded', 9000],
    ])
  } finally {
    await engine.close()
    await redis.stop()
  }
})
