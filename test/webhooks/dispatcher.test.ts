import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/core/engine/engine.ts'
import { Inboxes } from '../../src/core/inbox/inboxes.ts'
import type { WebhookInput } from '../../src/core/model/webhook.ts'
import { Publisher } from '../../src/core/publishing/publisher.ts'
import { Webhooks, type WebhooksOptions } from '../../src/webhooks/webhooks.ts'
import { openMemory, report } from '../support/engines.ts'
import { type Answering, type Received, Receiver, WEBHOOK_SECRET } from '../support/programs/receiver.ts'
import { until } from '../support/until.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const DELIVERED: WebhookInput = { events: ['delivered'] }

interface Bench {
  engine: Engine
  publisher: Publisher
  inboxes: Inboxes
  receiver: Receiver
  warnings: string[]
  webhooks: Webhooks
  /** Notifies a new user, whose tab acknowledges at once; resolves to the notification's id. */
  deliver(webhook: WebhookInput): Promise<string>
}

async function startEngine(): Promise<Engine> {
  const engine = await openMemory({ count: 1000, seconds: 3600 })
  ends.push(() => engine.close())
  return engine
}

function begin(engine: Engine, options: Partial<WebhooksOptions>): Webhooks {
  const webhooks = new Webhooks({
    webhookQueue: engine.webhookQueue,
    inboxes: new Inboxes(engine),
    secrets: [WEBHOOK_SECRET],
    url: undefined,
    allowPrivate: false,
    retryDelays: [100, 200],
    report,
    warn: report,
    ...options,
  })
  webhooks.start()
  ends.push(() => webhooks.stop())
  return webhooks
}

async function receive(answering?: Answering): Promise<Receiver> {
  const receiver = await Receiver.start(answering)
  ends.push(() => receiver.close())
  return receiver
}

async function set(answering: Answering, options: Partial<WebhooksOptions> = {}): Promise<Bench> {
  const receiver = await receive(answering)
  const engine = await startEngine()
  const publisher = new Publisher(engine)
  const inboxes = new Inboxes(engine)
  const warnings: string[] = []
  const warn = (message: string): unknown => warnings.push(message)
  const webhooks = begin(engine, { url: receiver.url, warn, ...options })
  const deliver = async (webhook: WebhookInput): Promise<string> => {
    const user = randomUUID()
    const { id } = await publisher.notify(user, { title: 'A', webhook }, { credential: 'test' })
    await inboxes.acknowledge(user, 1)
    return id
  }
  return { engine, publisher, inboxes, receiver, warnings, webhooks, deliver }
}

const idsOf = (received: readonly Received[]): unknown[] => received.map(({ json }) => json.data.id)

/** Webhooks that are still pending when the loop has ended; another loop would find them. */
async function leftBy({ webhooks, engine: { webhookQueue } }: Bench): Promise<unknown[]> {
  await webhooks.stop()
  return webhookQueue.take(Date.now() + 100_000_000, Date.now() + 200_000_000, 100)
}

describe('what is not taken is sent again', () => {
  test('a receiver that fails twice hears the same a third time, with the same id and a new signature', async () => {
    const bench = await set((index) => (index < 2 ? 500 : 200))
    const { deliver, receiver, webhooks } = bench
    const id = await deliver(DELIVERED)
    const received = await receiver.hears(3)
    expect(new Set(received.map(({ text }) => text)).size).toBe(1)
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(
      new Set([`${id}.1.delivered`]),
    )
    const [first, second, third] = received.map(({ at }) => at) as [number, number, number]
    expect(second - first).toBeGreaterThanOrEqual(100)
    expect(third - second).toBeGreaterThanOrEqual(200)
    expect(await leftBy(bench)).toEqual([])
    expect(webhooks.counts).toEqual({ sent: 1, failed: 2, given_up: 0, refused: 0 })
  })

  test('after the last try it is given up, and what happens later is sent all the same', async () => {
    const { publisher, inboxes, receiver, webhooks, warnings } = await set((index) => (index < 3 ? 503 : 200))
    const { id } = await publisher.notify(
      'ada',
      { title: 'A', webhook: { events: ['delivered', 'read'] } },
      { credential: 'test' },
    )
    await inboxes.acknowledge('ada', 1)
    await receiver.hears(3)
    await until(async () => webhooks.counts.given_up === 1, 2000)
    expect(warnings.at(-1)).toContain('given up after 3 tries')
    await inboxes.mark('ada', { ids: [id], state: 'read', value: true })
    expect((await receiver.hears(4)).map(({ json }) => json.type)).toEqual([
      ...Array(3).fill('notification.delivered'),
      'notification.read',
    ])
  })

  test('what could not be sent of one version is sent though another has replaced it', async () => {
    const bench = await set((index) => (index === 0 ? 500 : 204))
    const { publisher, inboxes, receiver, webhooks } = bench
    const notify = (webhook: WebhookInput) =>
      publisher.notify('ada', { title: 'A', tag: 't', webhook }, { credential: 'test' })
    const { id } = await notify(DELIVERED)
    await inboxes.acknowledge('ada', 1)
    await until(async () => webhooks.counts.failed === 1, 4000)
    await notify({ events: ['read'] })
    await receiver.hears(2)
    await inboxes.mark('ada', { ids: [id], state: 'read', value: true })
    const received = await receiver.hears(3)
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(
      ['1.delivered', '1.delivered', '2.read'].map((what) => `${id}.${what}`),
    )
    await until(async () => webhooks.counts.sent === 2, 2000)
    expect(await leftBy(bench)).toEqual([])
  })

  test('410 ends the webhook', async () => {
    const bench = await set(() => 410)
    const { publisher, inboxes, receiver, webhooks } = bench
    const webhook: WebhookInput = { events: ['delivered', 'read'] }
    await publisher.notify('ada', { title: 'A', webhook }, { credential: 'test' })
    await inboxes.acknowledge('ada', 1)
    await receiver.hears(1)
    expect(await leftBy(bench)).toEqual([])
    expect(webhooks.counts).toEqual({ sent: 0, failed: 0, given_up: 0, refused: 1 })
  })

  test.each([
    [199 + 101, 'it answered 300'],
    [302, 'it answered 302'],
    [404, 'it answered 404'],
  ])('%i is a failure, and a redirect is not followed', async (status, reason) => {
    const elsewhere = await receive()
    const { deliver, receiver, webhooks, warnings } = await set(
      (_, response) => {
        response.writeHead(status, { location: elsewhere.url }).end()
        return undefined
      },
      { retryDelays: [] },
    )
    await deliver(DELIVERED)
    await receiver.hears(1)
    await until(async () => webhooks.counts.given_up === 1, 2000)
    expect(warnings[0]).toContain(reason)
    expect(elsewhere.received).toEqual([])
  })

  test('a receiver that does not answer is cut', async () => {
    const { deliver, webhooks, warnings } = await set(() => undefined, { timeout: 300, retryDelays: [] })
    await deliver(DELIVERED)
    await until(async () => webhooks.counts.given_up === 1, 4000)
    expect(warnings[0]).toMatch(/timeout/)
  })

  test('a receiver that wants to speak another protocol has failed, and nothing waits for it', async () => {
    const bench = await set((_, response) => {
      response.writeHead(101, { connection: 'Upgrade', upgrade: 'x' }).end()
      return undefined
    })
    const id = await bench.deliver(DELIVERED)
    await until(async () => bench.webhooks.counts.failed > 0, 4000)
    expect(bench.warnings[0]).toContain('it closed the connection without an answer')
    expect(await leftBy(bench)).toMatchObject([{ webhook: { id } }])
  })

  test.each([
    ['of 64 KiB is read, and its connection kept', 65_536, 1],
    ['of a byte more is cut off', 65_537, 2],
  ])('an answer %s; either is a success', async (_what, bytes, connections) => {
    const sockets = new Set<unknown>()
    const { deliver, receiver, webhooks } = await set((_, response) => {
      sockets.add(response.socket)
      response.writeHead(200, { 'content-length': bytes }).write(Buffer.alloc(bytes - 1))
      // The last byte comes when the others have been read.
      setImmediate(() => response.end('.'))
      return undefined
    })
    for (const count of [1, 2]) {
      await deliver(DELIVERED)
      await receiver.hears(count)
      await until(async () => webhooks.counts.sent === count, 2000)
    }
    expect(sockets.size).toBe(connections)
  })
})

test('what a tab had is reported as delivered, and not as undelivered, though its user removed it at once', async () => {
  const { publisher, inboxes, receiver } = await set(() => 204)
  const webhook: WebhookInput = { events: ['delivered', 'undelivered'], undeliveredAfter: 60 }
  const { id } = await publisher.notify('ada', { title: 'A', webhook }, { credential: 'test' })
  await Promise.all([inboxes.acknowledge('ada', 1), inboxes.withdraw('ada', id)])
  const [{ json }] = (await receiver.hears(1)) as [Received]
  expect(json).toMatchObject({ type: 'notification.delivered', data: { id } })
})

describe('private addresses', () => {
  test.each([
    ['a literal', (port: number) => `http://127.0.0.1:${port}/`],
    ['a decimal number', (port: number) => `http://2130706433:${port}/`],
    ['an octal number', (port: number) => `http://0177.0.0.1:${port}/`],
    ['IPv6', (port: number) => `http://[::1]:${port}/`],
    ['IPv4 in IPv6', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`],
    ['the unspecified address', (port: number) => `http://0.0.0.0:${port}/`],
    ['a link-local address', (port: number) => `http://169.254.169.254:${port}/`],
    ['a private network', (port: number) => `http://10.0.0.1:${port}/`],
    ['a name', (port: number) => `http://localhost:${port}/`],
    ['a name, with TLS', (port: number) => `https://localhost:${port}/`],
    ['a literal, with TLS', (port: number) => `https://127.0.0.1:${port}/`],
  ])('a call cannot reach one as %s', async (_what, urlOf) => {
    const { deliver, receiver, webhooks, warnings } = await set(() => 204, { retryDelays: [] })
    await deliver({ ...DELIVERED, url: urlOf(receiver.port) })
    await until(async () => webhooks.counts.given_up === 1, 4000)
    expect(warnings[0]).toMatch(/is not allowed/)
    expect(receiver.received).toEqual([])
  })

  test.each(['127.0.0.1', 'localhost'])('%s is reached where the operator allows it', async (host) => {
    const { deliver, receiver } = await set(() => 204, { allowPrivate: true, url: undefined })
    const id = await deliver({ ...DELIVERED, url: `http://${host}:${receiver.port}/mine?x=1` })
    const [received] = await receiver.hears(1)
    expect(received).toMatchObject({ method: 'POST', path: '/mine?x=1', json: { data: { id } } })
  })

  test('a URL that is none counts as a failure', async () => {
    const { deliver, webhooks, warnings } = await set(() => 204, { retryDelays: [] })
    await deliver({ ...DELIVERED, url: 'backend.example/hook' })
    await until(async () => webhooks.counts.given_up === 1, 4000)
    expect(warnings[0]).toContain('Invalid URL')
  })

  test('a URL that nobody configures any more counts as a failure', async () => {
    const { deliver, webhooks, warnings } = await set(() => 204, { url: undefined, retryDelays: [] })
    await deliver(DELIVERED)
    await until(async () => webhooks.counts.given_up === 1, 4000)
    expect(warnings[0]).toContain('WEBHOOK_URL')
  })
})

describe('many at once', () => {
  test('a receiver that hangs gets four requests and holds up nobody else', async () => {
    const hanging = await receive(() => undefined)
    const { deliver, receiver } = await set(() => 204, { allowPrivate: true })
    await Promise.all(Array.from({ length: 30 }, () => deliver({ ...DELIVERED, url: hanging.url })))
    await hanging.hears(4)
    const ids = await Promise.all(Array.from({ length: 30 }, () => deliver(DELIVERED)))
    const began = Date.now()
    expect(idsOf(await receiver.hears(30)).sort()).toEqual(ids.sort())
    expect(Date.now() - began).toBeLessThan(8000)
    expect(hanging.received).toHaveLength(4)
  })

  test('several processes send each once', async () => {
    const { engine, deliver, receiver } = await set(() => 204)
    for (const _ of [1, 2]) begin(engine, { url: receiver.url })
    const ids = await Promise.all(Array.from({ length: 100 }, () => deliver(DELIVERED)))
    expect(idsOf(await receiver.hears(100)).sort()).toEqual(ids.sort())
  })

  test('what a stop cuts off is sent by the next', async () => {
    const { engine, deliver, receiver, webhooks } = await set((index) => (index === 0 ? undefined : 204))
    const id = await deliver(DELIVERED)
    await receiver.hears(1)
    await webhooks.stop()
    expect(webhooks.counts).toMatchObject({ sent: 0, failed: 1 })
    begin(engine, { url: receiver.url })
    expect(idsOf(await receiver.hears(2))).toEqual([id, id])
  })
})
