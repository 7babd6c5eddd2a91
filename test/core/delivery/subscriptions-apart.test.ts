import { expect, test } from 'vitest'
import { Announcements } from '../../../src/core/delivery/announcements.ts'
import { Feed, type FeedOptions } from '../../../src/core/delivery/feed.ts'
import { Subscription } from '../../../src/core/delivery/subscription.ts'
import { controlDraft } from '../../../src/core/drafts/server.ts'
import type { ArrivingUser } from '../../../src/core/engine/arrivals.ts'
import type { LogPage, PublicationHandler } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { decode, encode } from '../../../src/core/model/encoding.ts'
import {
  type Cursor,
  continueFrom,
  type Gap,
  headOf,
  type StreamPosition,
} from '../../../src/core/model/position.ts'
import type { Publication } from '../../../src/core/model/publication.ts'
import { draftOf } from '../../support/drafts.ts'
import { report } from '../../support/engines.ts'
import { Recorder } from '../../support/recorder.ts'

/** A feed that is behind reads on while one of its subscriptions stands elsewhere: it came later, or has read ahead. */

const channel = userChannel('ada')
const at = (seq: number, epoch: string): StreamPosition => ({ seq, epoch })
const gap = (reason: Gap['reason'], from: number, to: number): Gap[] => [{ from, to, reason }]

interface Log {
  floor: number
  /** The epoch of each entry that is left. */
  entries: Record<number, string>
  epochs: { epoch: string; first: number }[]
}

const A1 = { epoch: 'aaaaaaaa.1', first: 1 }
const a1 = A1.epoch
const a2 = 'aaaaaaaa.2'

const LOST_TWO: Log = { floor: 0, epochs: [A1], entries: { 7: a1, 8: a1 } }
const LOST_AND_WRITTEN: Log = {
  floor: 0,
  epochs: [A1, { epoch: a2, first: 9 }],
  entries: { 8: a1, 9: a2, 10: a2, 11: a2 },
}
const TRIMMED: Log = { floor: 8, epochs: [A1], entries: { 9: a1, 10: a1 } }
const TRIMMED_THEN_RESTARTED: Log = {
  floor: 8,
  epochs: [A1, { epoch: a2, first: 10 }],
  entries: { 9: a1, 10: a2 },
}

/** An engine that holds this log; what is announced is answered with `position`. */
function engineOf({ floor, entries, epochs }: Log, position: () => StreamPosition): Engine {
  const publications = Object.entries(entries).map(([seq, epoch]) =>
    decode(channel, Buffer.from(encode(draftOf(channel), Number(seq), epoch))),
  )
  const log = { seq: publications.at(-1)!.seq, floor, epochs }
  const since = async (_: unknown, cursor: Cursor): Promise<LogPage> => {
    const { after, gap } = continueFrom(log, cursor, { identity: 'none', keptFor: 0 })
    const end = headOf(log)
    return {
      ...(gap && { gap }),
      publications: publications.filter(({ seq }) => seq > after),
      head: end,
      complete: true,
      end,
    }
  }
  return {
    broker: { since, subscribe: async () => undefined, unsubscribe: () => undefined },
    connections: { announce: async () => position() },
    arrivals: {
      enter: async ([user]: ArrivingUser[]) =>
        Promise.allSettled(
          [user].map(async () => ({ position: position(), revokedUntil: 0, memberships: new Map() })),
        ),
    },
  } as unknown as Engine
}

const optionsOf = (engine: Engine): FeedOptions => ({
  announcements: new Announcements(engine),
  onRepair: () => undefined,
  report,
})

test('a control under a number that was lost and given again is obeyed', async () => {
  let told = at(10, a1)
  const tab = new Recorder()
  const engine = engineOf(LOST_TWO, () => told)
  let deliver: PublicationHandler = () => undefined
  engine.broker.subscribe = async (_channel, handler) => {
    deliver = handler
  }
  const feed = new Feed(channel, engine, optionsOf(engine))
  const subscription = new Subscription(channel, tab, engine.broker, report)
  await feed.join(subscription)
  await subscription.release(true)
  // The store comes back older, and is seen before anything is written to it.
  told = at(8, a1)
  await feed.check()
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(tab.losses).toEqual([channel])
  const control = controlDraft('ada', { action: 'leave', room: 'den' })
  deliver(decode(channel, Buffer.from(encode(control, 9, a1))))
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(tab.controls).toMatchObject([{ action: 'leave', room: 'den' }])
})

test.each<
  [what: string, feed: StreamPosition, subscription: StreamPosition, log: Log, gaps: Gap[], heard: number[]]
>([
  ['saw all that was lost', at(10, a1), at(10, a1), LOST_TWO, gap('failover', 9, 10), []],
  ['came after the loss', at(10, a1), at(8, a1), LOST_TWO, [], []],
  [
    'saw it, and more is there',
    at(10, a1),
    at(10, a1),
    LOST_AND_WRITTEN,
    gap('failover', 9, 10),
    [9, 10, 11],
  ],
  ['has read all of the next run', at(10, a1), at(11, a2), LOST_AND_WRITTEN, [], []],
  ['saw what its feed did not', at(8, a1), at(10, a1), LOST_AND_WRITTEN, gap('failover', 9, 10), [9, 10, 11]],
  ['stands before the loss', at(8, a1), at(8, a1), LOST_AND_WRITTEN, [], [9, 10, 11]],
  ['stands before what was trimmed', at(5, a1), at(5, a1), TRIMMED, gap('trimmed', 6, 8), [9, 10]],
  ['stands within what was trimmed', at(5, a1), at(7, a1), TRIMMED, gap('trimmed', 8, 8), [9, 10]],
  ['stands at the end of it', at(5, a1), at(8, a1), TRIMMED, [], [9, 10]],
  ['stands behind it', at(5, a1), at(9, a1), TRIMMED, [], [10]],
  ['is in the next run', at(5, a1), at(10, a2), TRIMMED_THEN_RESTARTED, [], []],
  ['is in the run before that', at(5, a1), at(9, a1), TRIMMED_THEN_RESTARTED, [], [10]],
])(
  'a subscription that %s gets its own gap, and what follows, once',
  async (_, start, position, log, gaps, heard) => {
    let told = start
    const engine = engineOf(log, () => told)
    const feed = new Feed(channel, engine, optionsOf(engine))
    const enter = async (): Promise<{ tab: Recorder; subscription: Subscription }> => {
      const tab = new Recorder()
      const subscription = new Subscription(channel, tab, engineOf(log, () => told).broker, report)
      await feed.join(subscription)
      await subscription.release(true)
      return { tab, subscription }
    }
    const first = await enter()
    told = position
    const { tab, subscription } = await enter()
    told = at(Math.max(...Object.keys(log.entries).map(Number)), log.epochs.at(-1)!.epoch)
    await feed.check()
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(tab.gaps).toEqual(gaps)
    expect(tab.seqs).toEqual(heard)
    expect(subscription.position).toEqual(told)
    expect(first.subscription.position).toEqual(told)
  },
)

test('what has expired before a repair keeps nobody from hearing what follows live', async () => {
  const log: Log = { floor: 0, epochs: [A1], entries: { 5: a1, 8: a1 } }
  let told = at(5, a1)
  const engine = engineOf(log, () => told)
  let receive: (publication: Publication) => void = () => undefined
  engine.broker.subscribe = async (_, handler) => {
    receive = handler
  }
  const feed = new Feed(channel, engine, optionsOf(engine))
  const tab = new Recorder()
  const subscription = new Subscription(channel, tab, engine.broker, report)
  await feed.join(subscription)
  await subscription.release(true)
  // The entries up to 8 have expired since they were written, so a reader learns only that the log has come so far.
  engine.broker.since = async () => ({
    publications: [],
    head: at(8, a1),
    end: at(8, a1),
    complete: true,
  })
  told = at(8, a1)
  await feed.check()
  receive(decode(channel, Buffer.from(encode(draftOf(channel), 9, a1))))
  expect(tab.seqs).toEqual([9])
  expect(tab.positions).toEqual([])
})
