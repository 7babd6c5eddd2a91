import { afterEach, describe, expect, test, vi } from 'vitest'
import { Items } from '../../../src/engines/embedded/tables/inbox/items.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'

describe('a fault of our own in the store is 500 internal, and logged once with its cause', () => {
  let app: TestApp
  let redis: RedisServer | undefined

  afterEach(async () => {
    vi.restoreAllMocks()
    await app.close()
    await redis?.stop()
    redis = undefined
  })

  const post = async (user: string): Promise<{ status: number; text: string; retryAfter: string | null }> => {
    const response = await app.post(`/notify/${user}`, { title: 'x' })
    return {
      status: response.status,
      text: await response.text(),
      retryAfter: response.headers.get('retry-after'),
    }
  }

  const loggedErrors = () => vi.spyOn(app.app.log, 'error').mockImplementation(() => undefined)

  /** Makes the store throw at each notification of a user whose name begins with bad. */
  const failForBad = () => {
    const { plan } = Items.prototype
    vi.spyOn(Items.prototype, 'plan').mockImplementation(function (this: Items, row, ...rest) {
      if (row.channel.startsWith('user:bad')) throw new TypeError(`no function of ${row.channel}`)
      return plan.call(this, row, ...rest)
    })
  }

  test("a TypeError in a transaction of the embedded engine is one call's", async () => {
    app = await startApp()
    const logged = loggedErrors()
    failForBad()
    const users = [...Array.from({ length: 20 }, (_, index) => `bad${index}`), 'good 1', 'good 2']
    const answers = await Promise.all(users.map(post))
    expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(500), 201, 201])
    const [answer] = answers
    expect(JSON.parse(answer!.text)).toMatchObject({
      code: 'internal',
      detail: expect.stringContaining('noted'),
    })
    expect(answer!.text).not.toMatch(/function|user:/)
    // Each message is another cause; one that comes again is counted.
    await post('bad0')
    expect(
      logged.mock.calls.filter(([fields]) =>
        String((fields as { err: Error }).err.message).endsWith('user:bad0'),
      ),
    ).toHaveLength(1)
    expect(logged.mock.calls[0]).toEqual([{ err: expect.any(TypeError) }, expect.stringContaining('fault')])
  })

  test('however many fail in one transaction, it harms nobody beside them', async () => {
    app = await startApp()
    loggedErrors()
    failForBad()
    const users = [...Array.from({ length: 20 }, (_, index) => `bad${index}`), 'good 1', 'good 2']
    const response = await app.post('/notify', { users, notification: { title: 'x' } })
    const { results } = (await response.json()) as { results: { status: number }[] }
    expect(results.map(({ status }) => status)).toEqual([...Array(20).fill(500), 201, 201])
  })

  test('a key of the wrong type in Redis, and nothing of the key or the script in the answer', async () => {
    redis = await startRedis()
    app = await startApp({ REDIS_URL: redis.url })
    await vi.waitFor(async () => expect((await post('ada')).status).toBe(201), { timeout: 5000 })
    const logged = loggedErrors()
    await redis.cli('del', 'tabcast:{user:bob}:head')
    await redis.cli('set', 'tabcast:{user:bob}:head', 'not a hash')
    for (let times = 0; times < 3; times++) {
      const { status, text } = await post('bob')
      expect(status).toBe(500)
      expect(JSON.parse(text)).toMatchObject({ code: 'internal' })
      expect(text).not.toMatch(/[0-9a-f]{40}|script|WRONGTYPE|head|\{user/)
    }
    expect(logged).toHaveBeenCalledTimes(1)
    expect(logged.mock.calls[0]![0]).toMatchObject({ err: { message: expect.stringContaining('WRONGTYPE') } })
    expect((await post('ada')).status).toBe(201)
  })

  test.each([
    ['is full', ['config', 'set', 'maxmemory', '1'], 'OOM'],
    ['takes no writes', ['replicaof', '127.0.0.1', '1'], 'READONLY'],
  ])('a Redis that %s is no fault: 503, and none in the log', async (_what, command, word) => {
    redis = await startRedis()
    app = await startApp({ REDIS_URL: redis.url })
    await vi.waitFor(async () => expect((await post('ada')).status).toBe(201), { timeout: 5000 })
    const logged = loggedErrors()
    await redis.cli(...command)
    const { status, text, retryAfter } = await post('ada')
    expect([status, retryAfter]).toEqual([503, '1'])
    expect(JSON.parse(text)).toMatchObject({
      code: 'engine_unavailable',
      detail: expect.stringContaining(word),
    })
    expect(text).not.toMatch(/[0-9a-f]{40}|user_script/)
    expect(logged).not.toHaveBeenCalled()
  })
})
