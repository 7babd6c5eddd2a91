import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { Keys } from '../../../src/engines/redis/keys.ts'
import { CommandConnection } from '../../../src/engines/redis/links/command-connection.ts'
import type { ScriptedClient } from '../../../src/engines/redis/scripts/calls.ts'
import { withScripts } from '../../../src/engines/redis/scripts/scripts.ts'
import { openRedis, report } from '../../support/engines.ts'
import { TopicRecorder } from '../../support/listener.ts'
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
  keys = new Keys('tabcast', connection.database)
  publisher = new Publisher(engine)
  await connection.run(() => connection.client.ping())
})
afterEach(async () => {
  await connection.close()
  await engine.close()
  await redis.stop()
})

const notify = (input: object) => publisher.notify('ada', { title: 'A', ...input }, OPTIONS)

/** Milliseconds for which the keys of an inbox are kept, and those of its log. */
async function lifetimes(): Promise<{ inbox: number[]; meta: number }> {
  const inbox = await Promise.all(keys.inbox(ADA).map((key) => connection.client.pttl(key)))
  return { inbox: inbox.filter((ttl) => ttl !== -2), meta: await connection.client.pttl(keys.meta(ADA)) }
}

test.each([
  ['a tab that came before it', () => engine.connections.announce(ADA, 1)],
  ['a read of the log', () => engine.broker.since(ADA, { seq: 0 }, ALL)],
  ['nothing', async () => undefined],
])('an inbox outlasts everything in it: after %s', async (_name, before) => {
  await before()
  await notify({})
  await notify({ tag: 't', ttl: 1000 })
  const { inbox, meta } = await lifetimes()
  expect(inbox).toHaveLength(5)
  for (const ttl of inbox) expect(ttl).toBeGreaterThan(PLENTY.seconds * 1000)
  // What gives the numbers must not be forgotten before what has them.
  expect(meta).toBeGreaterThan(Math.min(...inbox) - 1000)
})

test('keys that were emptied and are made anew have an end, too', async () => {
  await notify({})
  const { id } = await notify({ tag: 't' })
  const inboxes = new Inboxes(engine)
  await inboxes.withdraw('ada', id)
  expect((await lifetimes()).inbox).toHaveLength(4)
  await notify({ tag: 'u' })
  for (const ttl of (await lifetimes()).inbox) expect(ttl).toBeGreaterThan(PLENTY.seconds * 1000)
})

test('the counts go with what they count', async () => {
  await notify({})
  await connection.client.del(...keys.inbox(ADA))
  expect((await engine.broker.since(ADA, {}, ALL)).counts).toEqual({ unread: 0, unseen: 0 })
  expect(await new Inboxes(engine).list('ada', LOOKED)).toMatchObject({ items: [], unread: 0, unseen: 0 })
})

test('an inbox that has forgotten when its first one ends is looked at all the same', async () => {
  const { id } = await notify({ ttl: 1 })
  await notify({})
  await connection.client.hdel(keys.inbox(ADA)[0], '#first')
  const recorder = new TopicRecorder()
  await engine.broker.subscribe(ADA, recorder.hear)
  await recorder.hasHeard(1)
  expect(payloadOf(recorder.heard[0]!)).toMatchObject({ ids: [id], unread: 1 })
  expect(await connection.client.hget(keys.inbox(ADA)[0], '#first')).toMatch(/^\d+$/)
})

test('who only asks leaves nothing for ever', async () => {
  await new Inboxes(engine).list('ada', LOOKED)
  for (const name of await connection.client.keys('*{user:ada}*'))
    expect(await connection.client.pttl(name)).toBeGreaterThan(0)
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
