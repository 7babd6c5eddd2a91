import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { Keys } from '../../../src/engines/redis/keys.ts'
import { CommandConnection } from '../../../src/engines/redis/links/command-connection.ts'
import type { ScriptedClient } from '../../../src/engines/redis/scripts/calls.ts'
import { withScripts } from '../../../src/engines/redis/scripts/scripts.ts'
import { openRedis, report } from '../../support/engines.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'

const ADA = userChannel('ada')
const PLENTY = { count: 1000, seconds: 86_400 }
const ALL = { entries: 1000, bytes: 10_000_000 }
const LOOKED = { ...EVERYTHING, limit: 100 }
const OPTIONS = { credential: 'test' }

let redis: RedisServer
let engine: Engine
let connection: CommandConnection
let scripts: ScriptedClient
let keys: Keys
let publisher: Publisher

beforeEach(async () => {
  redis = await startRedis()
  engine = await openRedis(redis.url, { retention: { user: PLENTY, room: PLENTY } })
  connection = new CommandConnection({ url: redis.url, commandTimeout: 1000 }, report)
  scripts = withScripts(connection.client)
  keys = new Keys('tabcast', connection.database, false)
  publisher = new Publisher(engine)
  await connection.run(() => connection.client.ping())
})
afterEach(async () => {
  await connection.close()
  await engine.close()
  await redis.stop()
})

const notify = (input: object) => publisher.notify('ada', { title: 'A', ...input }, OPTIONS)

/** Milliseconds for which the keys of a user are kept that have these names. */
async function lifetimes(): Promise<Map<string, number>> {
  const base = keys.base(ADA)
  const names = (await connection.client.keys(`${base}:*`)).filter((name) => !name.endsWith(':connections'))
  return new Map(
    await Promise.all(
      names.map(async (name) => [name.slice(base.length + 1), await connection.client.pttl(name)] as const),
    ),
  )
}

/** Every key that a user can have, but for the connections. */
async function useEverything(): Promise<void> {
  const inboxes = new Inboxes(engine)
  const { id } = await notify({ tag: 't' })
  for (const state of ['seen', 'read', 'archived'] as const)
    await inboxes.mark('ada', { ids: [id], state, value: true })
  await inboxes.acknowledge('ada', 1)
  await notify({ ttl: 1000 })
}
const NAMES = [
  'notifications',
  'index',
  'flags',
  'seen',
  'read',
  'archived',
  'delivered',
  'tags',
  'ends',
  'events',
  'head',
]

test.each([
  ['a tab that came before it', async () => void (await engine.connections.announce(ADA, 1))],
  ['a read of the log', async () => void (await engine.broker.since(ADA, { seq: 0 }, ALL))],
  ['nothing', async () => undefined],
])('an inbox outlasts everything in it: after %s', async (_name, before) => {
  await before()
  await notify({})
  await useEverything()
  const ttls = await lifetimes()
  ttls.delete('last-seen')
  expect([...ttls.keys()].sort()).toEqual([...NAMES].sort())
  for (const ttl of ttls.values()) expect(ttl).toBeGreaterThan(PLENTY.seconds * 1000)
  // What gives the numbers must not be forgotten before what has them.
  expect(Math.max(...ttls.values())).toBe(ttls.get('head'))
})

test('keys that were emptied and are made anew have an end, too', async () => {
  const { id } = await notify({ tag: 't' })
  await new Inboxes(engine).withdraw('ada', id)
  expect((await lifetimes()).has('notifications')).toBe(false)
  expect((await lifetimes()).has('tags')).toBe(false)
  await notify({ tag: 'u' })
  for (const ttl of (await lifetimes()).values()) expect(ttl).toBeGreaterThan(PLENTY.seconds * 1000)
})

test.each(['list', 'publish', 'read'])(
  'a list that is gone is gone from the counts, and is admitted (%s)',
  async (how) => {
    const { epoch } = await notify({ tag: 't' })
    await notify({})
    await connection.client.del(`${keys.base(ADA)}:notifications`)
    const inboxes = new Inboxes(engine)
    if (how === 'publish') await notify({ title: 'B', tag: 't' })
    const count = how === 'publish' ? 1 : 0
    if (how !== 'read')
      expect(await inboxes.list('ada', LOOKED)).toMatchObject({
        items: { length: count },
        unread: count,
        unseen: count,
      })
    const page = await engine.broker.since(ADA, { seq: 1, epoch }, ALL)
    expect(page).toMatchObject({
      counts: { unread: count, unseen: count },
      gap: { from: 2, to: 2, reason: 'trimmed' },
    })
    expect(page.publications.map(({ seq }) => seq)).toEqual(how === 'publish' ? [3] : [])
  },
)

test('of many that acknowledge together, one whose keys are faulty fails alone, and says why', async () => {
  const { seq } = await notify({})
  await connection.client.set(`${keys.base(userChannel('bob'))}:head`, 'not a hash')
  const acks = ['ada', 'bob'].map((user) => ({ channel: userChannel(user), seq, above: 0 }))
  const reported: unknown[] = []
  const other = await openRedis(redis.url, { report: (error) => reported.push(error) })
  const [ada, bob] = await other.inbox.acknowledgeAll(acks, '2026-01-01T00:00:00.000Z')
  await other.close()
  expect(reported).toHaveLength(1)
  expect(ada).toEqual({ status: 'fulfilled', value: [] })
  expect(bob).toMatchObject({
    status: 'rejected',
    reason: { code: 'internal', cause: { message: expect.stringContaining('WRONGTYPE') } },
  })
  const { items } = await new Inboxes(engine).list('ada', LOOKED)
  expect(items).toMatchObject([{ deliveredAt: '2026-01-01T00:00:00.000Z' }])
})

test('who only listens leaves nothing but that, and not for ever', async () => {
  const inboxes = new Inboxes(engine)
  const names = async (): Promise<string[]> =>
    (await connection.client.keys('*')).filter((name) => /:ada|:den/.test(name)).sort()
  await inboxes.list('ada', LOOKED)
  await inboxes.mark('ada', { state: 'read', value: true })
  await inboxes.acknowledge('ada', 7)
  for (const channel of [ADA, roomChannel('den')]) await engine.broker.since(channel, {}, ALL)
  expect(await names()).toEqual([])
  for (const channel of [ADA, roomChannel('den')]) await engine.connections.announce(channel, 1)
  const left = ['{room:den}:connections', '{user:ada}:connections', '{user:ada}:last-seen']
  expect(await names()).toEqual(left.map((name) => `tabcast:${name}`))
  for (const name of await names()) expect(await connection.client.pttl(name)).toBeGreaterThan(0)
})

test('an end that is noted while somebody looks for an earlier one is not forgotten', async () => {
  // Not the engine's own, which it looks at itself.
  const due = 'due'
  await scripts.noteEnd(due, 1000, ADA)
  const seen = (await connection.client.zscore(due, ADA))!
  // Whoever looks has read the inbox by now, and found nothing more.
  await scripts.noteEnd(due, 9000, ADA)
  await scripts.noteNextEnd(due, ADA, seen, '')
  expect(Number(await connection.client.zscore(due, ADA))).toBeLessThanOrEqual(9000)
  const now = (await connection.client.zscore(due, ADA))!
  await scripts.noteNextEnd(due, ADA, now, '9000')
  expect(await connection.client.zscore(due, ADA)).toBe('9000')
})
