import { describe, expect, test, vi } from 'vitest'
import type { LogPage } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { type Channel, idOfChannel, isUserChannel } from '../../../src/core/model/channel.ts'
import { isUnwritten, type StreamPosition, unwrittenEpoch } from '../../../src/core/model/position.ts'
import { draftOf } from '../../support/drafts.ts'
import { ALL, type Harness, publishMany, seqsOf, someRoom, someUser } from './harness.ts'

const DAY = 86_400_000

/** Everything that one does who only listens; each resolves to where the log stands. */
const LISTENING: [string, (engine: Engine, channel: Channel) => Promise<StreamPosition>][] = [
  ['since', async ({ broker }, channel) => (await broker.since(channel, {}, ALL)).head],
  ['since the beginning', async ({ broker }, channel) => (await broker.since(channel, { seq: 0 }, ALL)).end],
  ['latest', async ({ broker }, channel) => (await broker.latest(channel, undefined, ALL)).head],
  ['announce', ({ connections }, channel) => connections.announce(channel, 1)],
]

/** Logs that nobody has written to. */
export function brokerUnwrittenLaw(harness: Harness): void {
  const readFrom = (engine: Engine, channel: Channel, position: StreamPosition): Promise<LogPage> =>
    engine.broker.since(channel, position, ALL)

  describe('a log that was not yet written', () => {
    test.each(LISTENING)('has a position that holds (%s)', async (_, listen) => {
      const engine = await harness.open()
      for (const channel of [someUser(), someRoom()]) {
        const position = await listen(engine, channel)
        expect(position.seq).toBe(0)
        expect(isUnwritten(position)).toBe(true)
        expect(await readFrom(engine, channel, position)).toMatchObject({
          publications: [],
          complete: true,
          head: { seq: 0 },
        })
        const { epoch } = await engine.broker.publish(draftOf(channel))
        const page = await readFrom(engine, channel, position)
        expect(seqsOf(page)).toEqual([1])
        expect(page.gap).toBeUndefined()
        expect(page.head).toEqual({ seq: 1, epoch })
        expect(isUnwritten(page.head)).toBe(false)
      }
    })

    test('is listed, marked, acknowledged and looked through, and is still not written', async () => {
      const engine = await harness.open()
      const channel = someUser()
      const inboxes = new Inboxes(engine)
      const user = idOfChannel(channel)
      const page = await inboxes.list(user, { ...EVERYTHING, limit: 10 })
      expect(page).toMatchObject({ items: [], unread: 0, unseen: 0, complete: true, seq: 0 })
      expect(isUnwritten(page)).toBe(true)
      expect(await inboxes.mark(user, { state: 'read', value: true })).toEqual({ unread: 0, unseen: 0 })
      expect(await inboxes.mark(user, { ids: ['x'], state: 'read', value: true })).toEqual({
        unread: 0,
        unseen: 0,
      })
      expect(await inboxes.withdraw(user, 'x')).toBe(false)
      expect(await inboxes.find(user, 'x')).toBeUndefined()
      await inboxes.acknowledge(user, 9)
      expect(isUnwritten((await engine.broker.since(channel, {}, ALL)).head)).toBe(true)
    })

    test('is continuous for as long as a log is remembered, and what was trimmed meanwhile is admitted', async () => {
      const engine = await harness.open({ user: { count: 3, seconds: 60 } })
      const channel = someUser()
      const { epoch } = await engine.connections.announce(channel, 1)
      const identity = epoch.slice(0, epoch.indexOf('.'))
      const positionOf = (age: number) => ({ seq: 0, epoch: unwrittenEpoch(identity, Date.now() - age) })
      const old = { from: 1, to: 1, reason: 'unknown' }
      for (const [age, gap] of [
        [DAY - 7_200_000, undefined],
        [DAY + 1, old],
      ] as const)
        expect((await readFrom(engine, channel, positionOf(age))).gap).toEqual(gap)
      await publishMany(engine, channel, 5)
      expect((await readFrom(engine, channel, positionOf(0))).gap).toEqual({
        from: 1,
        to: 2,
        reason: 'trimmed',
      })
      expect((await readFrom(engine, channel, positionOf(DAY + 1))).gap).toEqual({ ...old, to: 2 })
    })

    test('stays continuous over a restart, and is wiped after a wipe', async () => {
      let engine = await harness.open()
      const [written, quiet] = [someUser(), someRoom()]
      const positions = new Map<Channel, StreamPosition>()
      for (const channel of [written, quiet])
        positions.set(channel, await engine.connections.announce(channel, 1))
      if (harness.features.restart) {
        engine = harness.adopt(await harness.store.restart!(engine))
        await vi.waitFor(() => engine.probe(), { timeout: 10_000, interval: 20 })
        // What an engine had to say about the outage is its own affair.
        harness.reported.length = 0
        await publishMany(engine, written, 2)
        for (const [channel, position] of positions) {
          const page = await readFrom(engine, channel, position)
          expect(page.gap).toBeUndefined()
          expect(seqsOf(page)).toEqual(isUserChannel(channel) ? [1, 2] : [])
        }
      }
      engine = harness.adopt(await harness.store.wipe(engine))
      await publishMany(engine, written, 1)
      for (const [channel, position] of positions)
        expect((await readFrom(engine, channel, position)).gap).toEqual({ from: 1, to: 1, reason: 'wiped' })
    })
  })
}
