import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import type { Json } from '../support/json.ts'
import { OTHER_WEBHOOK_SECRET, Receiver, signatureOf, WEBHOOK_SECRET } from '../support/programs/receiver.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

const JWT_SECRET = 's'.repeat(40)

let redis: RedisServer | undefined
let receiver: Receiver
const servers: Tabcast[] = []
const tabs: TestTab[] = []
let directory: string
afterEach(async () => {
  for (const tab of tabs.splice(0)) tab.close()
  for (const server of servers.splice(0)) await server.kill()
  await receiver.close()
  await redis?.stop()
  redis = undefined
  await rm(directory, { recursive: true })
})

const start = async (env: Record<string, string>): Promise<Tabcast> => {
  const server = await startTabcast(env)
  servers.push(server)
  return server
}

/** The settings of every process. */
async function prepare(engine: string, hook?: Receiver): Promise<Record<string, string>> {
  directory = await mkdtemp(join(tmpdir(), 'tabcast-test-'))
  receiver = hook ?? (await Receiver.start())
  if (engine === 'redis') redis = await startRedis({ aof: true })
  return {
    JWT_SECRET,
    WEBHOOK_SECRET,
    WEBHOOK_URL: receiver.url,
    ...(redis === undefined ? { DATA: join(directory, 'tabcast.db') } : { REDIS_URL: redis.url }),
  }
}

async function notify({ url, apiKey }: Tabcast, user: string, body: object): Promise<Json> {
  const response = await fetch(`${url}/notify/${user}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBeLessThan(300)
  return response.json()
}

const openTab = async ({ url }: Tabcast, user: string): Promise<TestTab> => {
  const tab = new TestTab(url, { token: browserToken(JWT_SECRET, { user }), since: { seq: 0 } })
  tabs.push(tab)
  return tab.connected()
}

const EVENTS = ['delivered', 'read', 'undelivered']

describe.each(['embedded', 'redis'])('%s', (engine) => {
  test('a backend hears when a tab acknowledges and when the user reads, signed with every secret', async () => {
    const env = await prepare(engine)
    const server = await start({ ...env, WEBHOOK_SECRET: `${WEBHOOK_SECRET},${OTHER_WEBHOOK_SECRET}` })
    const tab = await openTab(server, 'ada')
    const webhook = { events: EVENTS, undeliveredAfter: 3600 }
    const { id } = await notify(server, 'ada', { title: 'A', tag: 'export', webhook })
    const [shown] = await tab.sees('notification')
    expect(shown.webhook).toBeUndefined()
    const before = Date.now()
    await tab.ask('ack', shown.seq)
    await receiver.hears(1)
    await tab.ask('mark', { ids: [id], read: true })
    const received = await receiver.hears(2)
    expect(Date.now() - before).toBeLessThan(5000)
    for (const [index, event] of ['delivered', 'read'].entries()) {
      const { method, path, headers, json } = received[index]!
      expect({ method, path }).toEqual({ method: 'POST', path: '/hook' })
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': 'Tabcast',
        'webhook-id': `${id}.1.${event}`,
        'webhook-signature': [WEBHOOK_SECRET, OTHER_WEBHOOK_SECRET]
          .map((secret) => signatureOf(received[index]!, secret))
          .join(' '),
      })
      expect(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']))).toBeLessThan(10)
      expect(json).toEqual({
        type: `notification.${event}`,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        data: { user: 'ada', id, tag: 'export', version: 1 },
      })
      expect(Date.parse(json.timestamp)).toBeGreaterThanOrEqual(before - 1)
    }
    for (const secret of [WEBHOOK_SECRET, OTHER_WEBHOOK_SECRET])
      for (const { text, headers } of received)
        expect(new Webhook(secret).verify(text, headers as Record<string, string>)).toEqual(JSON.parse(text))
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toContain('tabcast_webhooks_total{result="sent"} 2')
  })

  test('it hears, once, what was undelivered in time although the process was killed before', async () => {
    const env = await prepare(engine)
    const first = await start(env)
    const webhook = { events: EVENTS, undeliveredAfter: 3 }
    const { id } = await notify(first, 'bob', { title: 'A', webhook })
    const posted = Date.now()
    await first.kill()
    const second = await start(env)
    const due = Math.max(posted + 3000, Date.now())
    const [undelivered] = await receiver.hears(1)
    expect(undelivered!.at).toBeGreaterThanOrEqual(posted + 2000)
    expect(undelivered!.at).toBeLessThan(due + 5000)
    expect(undelivered!.json).toMatchObject({
      type: 'notification.undelivered',
      data: { user: 'bob', id, version: 1, reason: 'timeout' },
    })
    const tab = await openTab(second, 'bob')
    const [shown] = await tab.sees('notification')
    await tab.ask('ack', shown.seq)
    const received = await receiver.hears(2)
    expect(received.map(({ json }) => json.type)).toEqual([
      'notification.undelivered',
      'notification.delivered',
    ])
  }, 30_000)

  test('withdrawn, expired and replaced: each ends its pending webhook, and only the first two are undelivered', async () => {
    const env = await prepare(engine)
    const server = await start(env)
    const webhook = { events: ['undelivered'], undeliveredAfter: 3600 }
    const withdrawn = await notify(server, 'cy', { title: 'A', webhook })
    const expired = await notify(server, 'cy', { title: 'B', ttl: 2, webhook })
    await notify(server, 'cy', { title: 'C', tag: 't', webhook })
    await notify(server, 'cy', { title: 'D', tag: 't' })
    const later = { sendAt: new Date(Date.now() + 1000).toISOString(), ttl: 2, webhook }
    const scheduled = await notify(server, 'cy', { title: 'E', ...later })
    await fetch(`${server.url}/notify/cy/${withdrawn.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${server.apiKey}` },
    })
    const received = await receiver.hears(3)
    expect(received.map(({ json }) => [json.data.id, json.data.reason]).sort()).toEqual(
      [withdrawn, expired, scheduled].map(({ id }) => [id, 'removed']).sort(),
    )
  })
})

test('what a process was sending when it was killed is sent by the next, under the same id', async () => {
  const env = await prepare('embedded', await Receiver.start((index) => (index === 0 ? undefined : 204)))
  const first = await start(env)
  const tab = await openTab(first, 'ada')
  await notify(first, 'ada', { title: 'A', webhook: { events: ['delivered'] } })
  const [shown] = await tab.sees('notification')
  await tab.ask('ack', shown.seq)
  await receiver.hears(1)
  await first.kill()
  const killed = Date.now()
  const second = await start(env)
  // Meanwhile it is gone, and was delivered all the same.
  await fetch(`${second.url}/notify/ada/${shown.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${second.apiKey}` },
  })
  const [before, after] = await receiver.hears(2)
  expect(after!.at - killed).toBeLessThan(25_000)
  expect([after!.text, after!.headers['webhook-id']]).toEqual([before!.text, before!.headers['webhook-id']])
}, 40_000)

test('a receiver that hangs slows neither posts nor tabs', async () => {
  const env = await prepare('embedded', await Receiver.start(() => undefined))
  const server = await start(env)
  const tab = await openTab(server, 'ada')
  const webhook = { events: ['delivered'] }
  const post = async (count: number, extra: object): Promise<number> => {
    const began = performance.now()
    const all = tab.all('notification').length
    for (let index = 0; index < count; index++) await notify(server, 'ada', { title: 'A', ...extra })
    const shown = await tab.sees('notification', all + count)
    await tab.ask('ack', shown.at(-1).seq)
    return performance.now() - began
  }
  await post(50, { webhook })
  await receiver.hears(4)
  expect(await post(50, {})).toBeLessThan(2000)
  expect(await post(50, { webhook })).toBeLessThan(2000)
  expect(receiver.received).toHaveLength(4)
})

test('an api and two workers: each is sent once, whoever looks', async () => {
  const env = await prepare('redis')
  const api = await start({ ...env, ROLE: 'api', API_KEYS: `test:${'k'.repeat(32)}` })
  const worker = await start({ ...env, ROLE: 'worker' })
  await start({ ...env, ROLE: 'worker' })
  const tab = await openTab(worker, 'ada')
  const posted = await Promise.all(
    Array.from({ length: 50 }, () => notify(api, 'ada', { title: 'A', webhook: { events: ['delivered'] } })),
  )
  const shown = await tab.sees('notification', 50)
  await tab.ask('ack', shown.at(-1).seq)
  await receiver.hears(50)
  // What would come twice has come when no webhook is pending any more.
  await until(async () => (await redis!.cli('HLEN', 'tabcast:{webhooks}:webhooks')).trim() === '0', 5000)
  const ids = receiver.received.map(({ json }) => json.data.id)
  expect(ids.sort()).toEqual(posted.map(({ id }) => id).sort())
}, 60_000)
