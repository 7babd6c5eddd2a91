import { afterAll, beforeAll, expect, test } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import { type Channel, roomChannel } from '../../../src/core/model/channel.ts'
import { dataOf, draftOf } from '../../support/drafts.ts'
import { report } from '../../support/engines.ts'
import { openProbed, type ProbedEngine } from '../../support/probed-engine.ts'
import { type RedisCluster, startRedisCluster } from '../../support/programs/redis.ts'
import { masterOf, moveSlot } from '../../support/programs/slots.ts'
import { Recorder } from '../../support/recorder.ts'
import { until } from '../../support/until.ts'

/** An answer within two seconds; the rest is for a busy machine. */
const ANSWERED = 2400

/** Nodes that wait a second hand over in two to four; the rest is for a busy machine. */
const FAILED_OVER = 15_000

/** Enough to have some on every master. */
const CHANNELS: Channel[] = Array.from({ length: 6 }, (_, index) => roomChannel(`room ${index}`))

const keyOf = (channel: Channel): string => `{${channel}}`

let cluster: RedisCluster
let publishing: ProbedEngine
let hearing: ProbedEngine
let hub: Hub
let tabs: Map<Channel, Recorder>
let published: Map<Channel, number>

beforeAll(async () => {
  cluster = await startRedisCluster({ replicas: 1, settings: { 'cluster-node-timeout': '1000' } })
  publishing = await openProbed(cluster.url, { replicas: 1 })
  hearing = await openProbed(cluster.url)
  hub = new Hub(hearing, report)
  tabs = new Map(CHANNELS.map((channel) => [channel, new Recorder(channel)]))
  published = new Map(CHANNELS.map((channel) => [channel, 0]))
  for (const [channel, tab] of tabs) {
    hub.open(tab)
    await (await hub.join(tab, channel)).release(true)
  }
}, 60_000)
afterAll(async () => {
  hub.stop()
  await Promise.all([publishing.close(), hearing.close()])
  await cluster.stop()
})

/** As a backend does: the same key until it is answered, which is always in time. */
async function publish(channel: Channel, engine = publishing): Promise<void> {
  const number = published.get(channel)! + 1
  const draft = draftOf(channel, number, { idempotency: { key: `key ${number}`, fingerprint: 'f' } })
  for (;;) {
    const start = performance.now()
    try {
      await engine.broker.publish(draft)
      published.set(channel, number)
      return
    } catch (error) {
      expect(error).toMatchObject({ temporary: true })
    } finally {
      expect(performance.now() - start).toBeLessThan(ANSWERED)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

test('slots that move under traffic lose nothing, double nothing and keep the order', async () => {
  const masters = cluster.nodes.slice(0, 3)
  let moving = true
  const traffic = CHANNELS.map(async (channel) => {
    while (moving) await publish(channel)
    // One more, which nothing follows.
    await publish(channel)
  })
  for (const round of [1, 2])
    for (const channel of CHANNELS) {
      const home = await masterOf(masters, keyOf(channel))
      await moveSlot(masters, keyOf(channel), masters[(masters.indexOf(home) + round) % 3]!)
    }
  moving = false
  await Promise.all(traffic)
  for (const [channel, tab] of tabs) {
    await tab.hears(published.get(channel)!)
    expect(tab.seqs).toEqual(upTo(published.get(channel)!))
    expect(tab.heard.map(dataOf)).toEqual(upTo(published.get(channel)!))
    expect(tab.gaps).toEqual([])
  }
  // They are heard by the topic again, and not only found by checks.
  const repairs = hub.counts.repairs
  for (const channel of CHANNELS) await publish(channel)
  for (const [channel, tab] of tabs) await tab.hears(published.get(channel)!)
  expect(hub.counts.repairs).toBe(repairs)
}, 60_000)

test('a master that dies is replaced, what only it had is a gap, and the rest goes on', async () => {
  const [channel] = CHANNELS as [Channel]
  const tab = tabs.get(channel)!
  const master = await masterOf(cluster.nodes, keyOf(channel))
  const before = published.get(channel)!
  // Its replica cannot sign in any more; who is connected stays so.
  await master.cli('config', 'set', 'requirepass', 'a-password')
  await master.cli('-a', 'a-password', '--no-auth-warning', 'client', 'kill', 'type', 'replica')
  await publish(channel, hearing)
  await publish(channel, hearing)
  await tab.hears(before + 2)
  await master.kill()
  const diedAt = performance.now()
  published.set(channel, before)
  // By the engine that waits for no replica: there is none left.
  await publish(channel, hearing)
  expect(performance.now() - diedAt).toBeLessThan(FAILED_OVER)
  await until(async () => tab.gaps.length > 0, FAILED_OVER)
  expect(tab.gaps).toMatchObject([{ from: before + 1, reason: 'failover' }])
  const { head } = await publishing.broker.since(channel, {}, { entries: 1, bytes: 1000 })
  expect(head.seq).toBe(before + 1)
  await until(async () => tab.heard.at(-1)?.epoch === head.epoch, 5000)
  for (const other of CHANNELS) await publish(other, hearing)
  for (const [other, { gaps, heard }] of tabs) {
    await until(async () => heard.length >= published.get(other)!, 5000)
    if (other === channel) continue
    expect(heard.map(dataOf)).toEqual(upTo(published.get(other)!))
    expect(gaps).toEqual([])
  }
}, 60_000)
