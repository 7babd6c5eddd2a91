import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { openRedis } from '../../support/engines.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'

/** A store that version 0.1 wrote, as commands, and what it said of it. */
const STORE = JSON.parse(
  readFileSync(new URL('../../fixtures/stores/redis-0.1.json', import.meta.url), 'utf8'),
)
const ALL = { entries: 1000, bytes: 10_000_000 }
const USERS = ['ada', 'bob', 'cleo']

let redis: RedisServer
let client: Redis
let engine: Engine
beforeEach(async () => {
  redis = await startRedis()
  client = new Redis(redis.url)
  for (const [command, ...args] of STORE.commands) await client.call(command, ...args)
  vi.useFakeTimers({ toFake: ['Date'], now: STORE.at + 60_000 })
  engine = await openRedis(redis.url, { retention: { user: STORE.retention, room: STORE.retention } })
})
afterEach(async () => {
  vi.useRealTimers()
  await engine.close()
  client.disconnect()
  await redis.stop()
})

const listOf = (user: string) => new Inboxes(engine).list(user, { ...EVERYTHING, limit: 100 })

/** What the store says of a user, in the same form. */
async function saidOf(user: string) {
  const { items, unread, unseen } = await listOf(user)
  const channel = userChannel(user)
  const { publications, head } = await engine.broker.since(channel, { seq: 0 }, ALL)
  const { gap } = await engine.broker.since(channel, { seq: 0, epoch: head.epoch }, ALL)
  // Version 0.1 did not say who waits.
  const log = publications.map(({ packet, channel, isAwaited: _, ...publication }) => ({
    ...publication,
    payload: payloadOf({ ...publication, channel, packet }),
  }))
  // As it comes out of JSON: without what is undefined.
  return JSON.parse(JSON.stringify({ items, unread, unseen, head, log, gap }))
}

test.each(USERS)(
  'has everything that a store of version 0.1 had, and says the same of it (%s)',
  async (user) => {
    expect(await saidOf(user)).toEqual(STORE.expected[user])
  },
)

test.each<[string, (inboxes: Inboxes, publisher: Publisher) => Promise<unknown>]>([
  [
    'a publish',
    (_, publisher) => publisher.notify('ada', { title: 'new', tag: 'task-1' }, { credential: 'test' }),
  ],
  ['a mark', (inboxes) => inboxes.mark('ada', { state: 'archived', value: true })],
  ['an event', (_, publisher) => publisher.control('ada', { action: 'disconnect' })],
  ['a tab', () => engine.connections.announce(userChannel('ada'), 1)],
])('goes on from there, whoever comes first: %s', async (_, come) => {
  const { head, unread } = STORE.expected.ada
  const [channel, inboxes, publisher] = [userChannel('ada'), new Inboxes(engine), new Publisher(engine)]
  await come(inboxes, publisher)
  const again = await publisher.notify('ada', { title: 'newer', tag: 'task-1' }, { credential: 'test' })
  const old = STORE.expected.ada.items.find(({ tag }: { tag?: string }) => tag === 'task-1')
  expect(again).toMatchObject({ id: old.id, upsert: { created: false, applied: true } })
  const page = await engine.broker.since(channel, head, ALL)
  expect(page.gap).toBeUndefined()
  expect(page.publications.at(-1)).toMatchObject({ seq: again.seq })
  expect((await listOf('ada')).unread).toBeLessThanOrEqual(unread + 1)
  expect(await inboxes.mark('ada', { state: 'read', value: true })).toEqual({ unread: 0, unseen: 0 })
})

test('a process of version 0.1 that still writes fails before it has written anything', async () => {
  await listOf('ada')
  const before = await client.dbsize()
  await expect(client.hmget('tabcast:{user:ada}:meta', 'epoch', 'due')).rejects.toThrow('WRONGTYPE')
  expect(await client.dbsize()).toBe(before)
  expect(await client.get('tabcast:{user:ada}:meta')).toContain('newer version')
  const left = (await client.keys('tabcast:{user:ada}:*')).filter((key) => /:log$|:inbox:/.test(key))
  expect(left).toEqual([])
})
