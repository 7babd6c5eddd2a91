import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { userChannel } from '../../src/core/channel.ts'
import type { Engine, LogPage } from '../../src/core/engine.ts'
import { Member } from '../../src/core/member.ts'
import type { Gap, StreamPosition } from '../../src/core/position.ts'
import type { Publication } from '../../src/core/publication.ts'
import { dataOf, draftOf } from '../support/drafts.ts'
import { openMemory } from '../support/engines.ts'
import { Recorder } from '../support/recorder.ts'

const TRIMMED: Gap = { from: 6, to: 8, reason: 'trimmed' }
const at = (seq: number, epoch: string): StreamPosition => ({ seq, epoch })

test.each<[what: string, head: StreamPosition, told: boolean]>([
  ['are those of the place that is told', at(8, 'a.1'), true],
  ['were read before something else came', at(7, 'a.1'), false],
  ['are of another life of the store', at(8, 'a.2'), false],
])('of a caught-up feed, the counts are told if they %s', async (_, head, told) => {
  const tab = new Recorder()
  const member = new Member(userChannel('ada'), tab, {} as never)
  member.joined(at(5, 'a.1'))
  await member.release(true)
  member.admit(TRIMMED, at(5, 'a.1'), at(8, 'a.1'))
  member.settled({ head, counts: { unread: 2, unseen: 1 } })
  expect(tab.positions).toEqual([at(8, 'a.1')])
  expect(tab.counts).toEqual([told ? { unread: 2, unseen: 1 } : undefined])
})

test('what a member may acknowledge begins where it joined, goes on behind what it has, and begins anew with the log', async () => {
  const member = new Member(userChannel('ada'), new Recorder(), {} as never)
  member.joined(at(5, 'a.1'))
  await member.release(true)
  expect(member.sent.above).toBe(5)
  member.sent.acknowledged(7)
  member.sent.acknowledged(6)
  expect(member.sent.above).toBe(7)
  member.moveTo(at(8, 'a.1'))
  member.admit({ from: 9, to: 12, reason: 'trimmed' }, at(8, 'a.1'), at(12, 'a.1'))
  expect(member.sent.above).toBe(7)
  member.admit({ from: 6, to: 12, reason: 'failover' }, at(12, 'a.1'), at(5, 'a.2'))
  expect(member.sent.above).toBe(5)
  member.admit({ from: 1, to: 5, reason: 'wiped' }, at(5, 'a.2'), at(0, 'b.1'))
  expect(member.sent.above).toBe(0)
})

test('a member that has not read the log yet is no further than its page says', async () => {
  const { promise, resolve } = Promise.withResolvers<LogPage>()
  const member = new Member(userChannel('ada'), new Recorder(), { since: () => promise } as never)
  member.joined(at(5, 'a.1'))
  const replayed = member.replay({ seq: 2, epoch: 'a.1' })
  expect(member.position.seq).toBe(2)
  resolve({ publications: [], head: at(5, 'a.1'), end: at(5, 'a.1'), complete: true })
  await replayed
  expect(member.position).toEqual(at(5, 'a.1'))
})

describe('while the feed still hands on a log that was wiped, and the store has the next one', () => {
  const channel = userChannel('ada')
  const open = (): Promise<Engine> => openMemory({ count: 100, seconds: 3600 })
  let wiped: Engine
  let store: Engine
  /** What the feed hands on: three of the old log, then what is in the new one. */
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

  const feed = (member: Member, publications: readonly Publication[], start: StreamPosition): void => {
    let before = start
    for (const publication of publications) {
      member.receive(publication, before)
      before = { seq: publication.seq, epoch: publication.epoch }
    }
  }

  test('what a replay brought is not shown again when the feed brings it late', async () => {
    const tab = new Recorder()
    const member = new Member(channel, tab, store.broker)
    const start = { seq: 0, epoch: fresh[0]!.epoch }
    member.joined(start)
    await member.replay(start)
    feed(member, fresh, start)
    expect(tab.heard.map(dataOf)).toEqual(['new 1', 'new 2'])
  })

  test('a member that replays is shown nothing of the old log after the new one', async () => {
    const tab = new Recorder()
    const member = new Member(channel, tab, store.broker)
    const cursor = { seq: 1, epoch: old[0]!.epoch }
    member.joined({ seq: 2, epoch: cursor.epoch })
    const replayed = member.replay(cursor)
    feed(member, old.slice(2), { seq: 2, epoch: cursor.epoch })
    await replayed
    expect(tab.gaps).toMatchObject([{ reason: 'wiped' }])
    expect(tab.heard.map(dataOf)).toEqual(['new 1', 'new 2'])
    expect(tab.positions).toEqual([{ seq: 2, epoch: fresh[0]!.epoch }])
  })

  test('a member that has read ahead is shown nothing of the old log, and goes on with the new one', async () => {
    const tab = new Recorder()
    const member = new Member(channel, tab, store.broker)
    await member.replay({ seq: 1, epoch: old[0]!.epoch })
    feed(member, old.slice(2), { seq: 2, epoch: old[0]!.epoch })
    // The feed has found out, and hands the new log on from its start.
    const gap: Gap = { from: 1, to: 3, reason: 'wiped' }
    const start = { seq: 0, epoch: fresh[0]!.epoch }
    member.admit(gap, { seq: 3, epoch: old[0]!.epoch }, start)
    feed(member, fresh, start)
    const { seq } = await store.broker.publish(draftOf(channel, 'new 3'))
    const last = (
      await store.broker.since(channel, { seq: seq - 1, epoch: start.epoch }, { entries: 1, bytes: 1000 })
    ).publications
    feed(member, last, { seq: seq - 1, epoch: start.epoch })
    await tab.hears(3)
    expect(tab.heard.map(dataOf)).toEqual(['new 1', 'new 2', 'new 3'])
    expect(tab.gaps).toHaveLength(1)
  })
})
