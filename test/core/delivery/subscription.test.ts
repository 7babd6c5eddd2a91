import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Subscription } from '../../../src/core/delivery/subscription.ts'
import type { LogPage } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { Gap, StreamPosition } from '../../../src/core/model/position.ts'
import type { Publication } from '../../../src/core/model/publication.ts'
import { dataOf, draftOf } from '../../support/drafts.ts'
import { openMemory, report } from '../../support/engines.ts'
import { Recorder } from '../../support/recorder.ts'

const TRIMMED: Gap = { from: 6, to: 8, reason: 'trimmed' }
const at = (seq: number, epoch: string): StreamPosition => ({ seq, epoch })

test.each<[what: string, head: StreamPosition, told: boolean]>([
  ['are those of the position that is sent', at(8, 'a.1'), true],
  ['were read before something else came', at(7, 'a.1'), false],
  ['are of another run of the store', at(8, 'a.2'), false],
])('of a caught-up feed, the counts are sent if they %s', async (_, head, told) => {
  const tab = new Recorder()
  const subscription = new Subscription(userChannel('ada'), tab, {} as never, report)
  subscription.joined(at(5, 'a.1'))
  await subscription.release(true)
  subscription.admit(TRIMMED, at(5, 'a.1'), at(8, 'a.1'))
  subscription.caughtUp({ head, counts: { unread: 2, unseen: 1 } })
  expect(tab.positions).toEqual([at(8, 'a.1')])
  expect(tab.counts).toEqual([told ? { unread: 2, unseen: 1 } : undefined])
})

test('what a subscription may acknowledge begins where it joined, goes on behind what it has, and begins anew with the log', async () => {
  const subscription = new Subscription(userChannel('ada'), new Recorder(), {} as never, report)
  subscription.joined(at(5, 'a.1'))
  await subscription.release(true)
  expect(subscription.ackWindow.above).toBe(5)
  subscription.ackWindow.process(7)
  expect(subscription.ackWindow.take()).toEqual({ above: 5, seq: 7 })
  subscription.ackWindow.settle(true)
  subscription.ackWindow.process(6)
  expect(subscription.ackWindow.take()).toBeUndefined()
  expect(subscription.ackWindow.above).toBe(7)
  subscription.moveTo(at(8, 'a.1'))
  subscription.admit({ from: 9, to: 12, reason: 'trimmed' }, at(8, 'a.1'), at(12, 'a.1'))
  expect(subscription.ackWindow.above).toBe(7)
  subscription.admit({ from: 6, to: 12, reason: 'failover' }, at(12, 'a.1'), at(5, 'a.2'))
  expect(subscription.ackWindow.above).toBe(5)
  subscription.admit({ from: 1, to: 5, reason: 'wiped' }, at(5, 'a.2'), at(0, 'b.1'))
  expect(subscription.ackWindow.above).toBe(0)
})

test('a subscription that has not read the log yet is no further than its page says', async () => {
  const { promise, resolve } = Promise.withResolvers<LogPage>()
  const subscription = new Subscription(
    userChannel('ada'),
    new Recorder(),
    { since: () => promise } as never,
    report,
  )
  subscription.joined(at(5, 'a.1'))
  const replayed = subscription.replay({ seq: 2, epoch: 'a.1' })
  expect(subscription.position.seq).toBe(2)
  resolve({ publications: [], head: at(5, 'a.1'), end: at(5, 'a.1'), complete: true })
  await replayed
  expect(subscription.position).toEqual(at(5, 'a.1'))
})

describe('while the feed still hands on a log that was wiped, and the store has the next one', () => {
  const channel = userChannel('ada')
  const open = (): Promise<Engine> => openMemory({ count: 100, seconds: 3600 })
  let wiped: Engine
  let store: Engine
  /** Publications that the feed hands on: three of the old log, then those of the new one. */
  let old: Publication[]
  let fresh: Publication[]

  beforeAll(async () => {
    ;[wiped, store] = await Promise.all([open(), open()])
    const everything = { entries: 100, bytes: 1_000_000 }
    for (const data of [1, 2, 3]) await wiped.broker.publish(draftOf(channel, `old ${data}`))
    for (const data of [1, 2]) await store.broker.publish(draftOf(channel, `new ${data}`))
    old = (await wiped.broker.since(channel, { seq: 0 }, everything)).publications
    fresh = (await store.broker.since(channel, { seq: 0 }, everything)).publications
  })
  afterAll(() => Promise.all([wiped.close(), store.close()]))

  const feed = (
    subscription: Subscription,
    publications: readonly Publication[],
    start: StreamPosition,
  ): void => {
    let before = start
    for (const publication of publications) {
      subscription.receive(publication, before)
      before = { seq: publication.seq, epoch: publication.epoch }
    }
  }

  test('what a replay brought is not shown again when the feed brings it late', async () => {
    const tab = new Recorder()
    const subscription = new Subscription(channel, tab, store.broker, report)
    const start = { seq: 0, epoch: fresh[0]!.epoch }
    subscription.joined(start)
    await subscription.replay(start)
    feed(subscription, fresh, start)
    expect(tab.heard.map(dataOf)).toEqual(['new 1', 'new 2'])
  })

  test('a subscription that replays is shown nothing of the old log after the new one', async () => {
    const tab = new Recorder()
    const subscription = new Subscription(channel, tab, store.broker, report)
    const cursor = { seq: 1, epoch: old[0]!.epoch }
    subscription.joined({ seq: 2, epoch: cursor.epoch })
    const replayed = subscription.replay(cursor)
    feed(subscription, old.slice(2), { seq: 2, epoch: cursor.epoch })
    await replayed
    expect(tab.gaps).toMatchObject([{ reason: 'wiped' }])
    expect(tab.heard.map(dataOf)).toEqual(['new 1', 'new 2'])
    expect(tab.positions).toEqual([{ seq: 2, epoch: fresh[0]!.epoch }])
  })

  test('a subscription that has read ahead is shown nothing of the old log, and goes on with the new one', async () => {
    const tab = new Recorder()
    const subscription = new Subscription(channel, tab, store.broker, report)
    await subscription.replay({ seq: 1, epoch: old[0]!.epoch })
    feed(subscription, old.slice(2), { seq: 2, epoch: old[0]!.epoch })
    // The feed has found out, and hands the new log on from its start.
    const gap: Gap = { from: 1, to: 3, reason: 'wiped' }
    const start = { seq: 0, epoch: fresh[0]!.epoch }
    subscription.admit(gap, { seq: 3, epoch: old[0]!.epoch }, start)
    feed(subscription, fresh, start)
    const { seq } = await store.broker.publish(draftOf(channel, 'new 3'))
    const last = (
      await store.broker.since(channel, { seq: seq - 1, epoch: start.epoch }, { entries: 1, bytes: 1000 })
    ).publications
    feed(subscription, last, { seq: seq - 1, epoch: start.epoch })
    await tab.hears(3)
    expect(tab.heard.map(dataOf)).toEqual(['new 1', 'new 2', 'new 3'])
    expect(tab.gaps).toHaveLength(1)
  })
})
