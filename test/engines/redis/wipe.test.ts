import { afterEach, expect, test } from 'vitest'
import { startApp } from '../../support/app.ts'
import { openProbed } from '../../support/probed-engine.ts'
import { startRedis, startRedisCluster } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

/** Milliseconds for which a wipe may go unnoticed. */
const NOTICED = 2000

/** Puts older copies back and takes the marks away, as on a replica that had received neither. */
const LOSE = `
  for _, key in ipairs(KEYS) do redis.call('RENAME', 'older ' .. key, key) end
  redis.call('DEL', unpack(redis.call('KEYS', '*:marker')))
`

const open: { close?(): Promise<void>; stop?(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await (thing.close ?? thing.stop)!.call(thing)
})
const keep = <Thing extends (typeof open)[number]>(thing: Thing): Thing => {
  open.push(thing)
  return thing
}

test('a wipe reaches the tabs of a quiet channel, and who is connected is known again', async () => {
  const redis = keep(await startRedis())
  const server = keep(await startApp({ REDIS_URL: redis.url }))
  await server.notify('ada', { title: 'one' })
  const { seq, epoch } = await server.notify('ada', { title: 'two' })
  const tab = await server.tab('ada', { since: { seq, epoch } }).connected()
  await tab.sees('position')
  await redis.cli('flushall')
  const wipedAt = performance.now()
  const [gap] = await tab.sees('gap')
  expect(performance.now() - wipedAt).toBeLessThan(NOTICED)
  expect(gap).toMatchObject({ channel: 'user:ada', from: 1, to: 2, reason: 'wiped' })
  // The count is stated before the log is read.
  expect(await server.notify('ada', { title: 'three' })).toMatchObject({ seq: 1, connections: 1 })
  await tab.sees('notification')
  expect(await redis.cli('hvals', 'tabcast:{processes}:peers')).toContain(server.url)
})

test('a wipe that is followed by a post at once reaches them as well, with the post after it', async () => {
  const redis = keep(await startRedis())
  const server = keep(await startApp({ REDIS_URL: redis.url }))
  const { seq, epoch } = await server.notify('ada', { title: 'one' })
  const tab = await server.tab('ada', { since: { seq, epoch } }).connected()
  await tab.sees('position')
  await redis.cli('flushall')
  await server.notify('ada', { title: 'two' })
  await tab.sees('notification')
  expect(tab.all('gap')).toMatchObject([{ from: 1, to: 1, reason: 'wiped' }])
  expect(tab.seen.map(({ event }) => event).slice(-3)).toEqual(['gap', 'notification', 'position'])
})

test('a store that comes back older reaches the tabs of a quiet channel, and what follows is shown', async () => {
  const redis = keep(await startRedis())
  const server = keep(await startApp({ REDIS_URL: redis.url }))
  for (let number = 1; number <= 8; number++) await server.notify('ada', { title: String(number) })
  const names = ['notifications', 'index', 'head'].map((name) => `tabcast:{user:ada}:${name}`)
  for (const name of names) await redis.cli('copy', name, `older ${name}`)
  const tab = await server.tab('ada', { since: { seq: 0 } }).connected()
  for (let number = 9; number <= 10; number++) await server.notify('ada', { title: String(number) })
  await tab.sees('notification', 10)
  await redis.cli('eval', LOSE, '3', ...names)
  const [gap] = await tab.sees('gap')
  expect(gap).toMatchObject({ channel: 'user:ada', from: 9, to: 10, reason: 'failover' })
  expect(await server.notify('ada', { title: 'after' })).toMatchObject({ seq: 9 })
  await tab.sees('notification', 11)
  expect(tab.all('notification').at(-1)).toMatchObject({ seq: 9, title: 'after' })
})

test('a wipe of any master of a Cluster is noticed', async () => {
  const cluster = keep(await startRedisCluster())
  const engine = keep(await openProbed(cluster.url))
  for (const node of cluster.nodes) {
    const before = engine.restorations
    await node.cli('flushall')
    await until(async () => engine.restorations > before, NOTICED)
  }
})

test('nothing is said to have been missed while nothing was', async () => {
  const redis = keep(await startRedis())
  const engine = keep(await openProbed(redis.url))
  for (let round = 0; round < 20; round++) await engine.probe()
  expect(engine.restorations).toBe(0)
})
