import { describe, expect, test } from 'vitest'
import { draftOf } from '../../support/drafts.ts'
import { ALL, type Harness, PLENTY, publishMany, seqsOf, someRoom, someUser } from './harness.ts'

const KEPT = 5
const SECONDS = 60

/** Retention: how much of a log is kept, and what is said of the rest. */
export function brokerRetentionLaw(harness: Harness): void {
  describe('retention', () => {
    test.each([
      [KEPT - 1, 0],
      [KEPT, 0],
      [KEPT + 1, 1],
      [3 * KEPT, 2 * KEPT],
    ])('after %i publications the newest are kept, and the first %i are admitted', async (count, floor) => {
      const { broker } = await harness.open({ user: { count: KEPT, seconds: 3600 } })
      const channel = someUser()
      for (let number = 1; number <= count; number++) await broker.publish(draftOf(channel, number))
      const { head } = await broker.since(channel, {}, ALL)
      const page = await broker.since(channel, { seq: 0, epoch: head.epoch }, ALL)
      expect(page.publications).toHaveLength(Math.min(count, KEPT))
      expect(page.publications[0]!.seq).toBe(floor + 1)
      expect(page.gap).toEqual(floor === 0 ? undefined : { from: 1, to: floor, reason: 'trimmed' })
      expect(head.seq).toBe(count)
    })

    test('a gap says what was between the cursor and the oldest entry, and nothing at the edge', async () => {
      const { broker } = await harness.open({ user: { count: KEPT, seconds: 3600 } })
      const channel = someUser()
      await publishMany({ broker }, channel, 20)
      const { head } = await broker.since(channel, {}, ALL)
      const behind = await broker.since(channel, { seq: 7, epoch: head.epoch }, ALL)
      expect(behind.gap).toEqual({ from: 8, to: 15, reason: 'trimmed' })
      expect(seqsOf(behind)).toEqual([16, 17, 18, 19, 20])
      const edge = await broker.since(channel, { seq: 15, epoch: head.epoch }, ALL)
      expect(edge.gap).toBeUndefined()
      expect(seqsOf(edge)).toEqual([16, 17, 18, 19, 20])
    })

    test('a gap ends where the entries begin, also while more of them are removed', async () => {
      const { broker } = await harness.open({ user: { count: KEPT, seconds: 3600 } })
      const channel = someUser()
      await publishMany({ broker }, channel, KEPT)
      const { head } = await broker.since(channel, {}, ALL)
      let publishing = true
      const published = (async () => {
        for (let number = 0; number < 300; number++) await broker.publish(draftOf(channel, number))
        publishing = false
      })()
      while (publishing) {
        const { gap, publications } = await broker.since(channel, { seq: 1, epoch: head.epoch }, ALL)
        if (gap !== undefined) expect(publications[0]!.seq).toBe(gap.to + 1)
      }
      await published
    })

    test('users and rooms have their own', async () => {
      const { broker } = await harness.open({
        user: { count: 4, seconds: 3600 },
        room: { count: 2, seconds: 3600 },
      })
      for (const [channel, kept] of [
        [someUser(), 4],
        [someRoom(), 2],
      ] as const) {
        await publishMany({ broker }, channel, 10)
        const page = await broker.latest(channel, undefined, ALL)
        expect(page.publications).toHaveLength(kept)
        expect(page.complete).toBe(true)
      }
    })

    test('entries that are too old are not read, and are admitted', async () => {
      const { broker } = await harness.open({ user: { count: 1000, seconds: SECONDS } })
      const channel = someUser()
      await publishMany({ broker }, channel, 3, { createdAt: Date.now() - SECONDS * 1000 - 1 })
      await publishMany({ broker }, channel, 2)
      const page = await broker.since(channel, { seq: 0 }, ALL)
      expect(seqsOf(page)).toEqual([4, 5])
      expect(page.gap).toBeUndefined()
      expect(seqsOf(await broker.latest(channel, undefined, ALL))).toEqual([4, 5])
      const { epoch } = page.head
      expect((await broker.since(channel, { seq: 1, epoch }, ALL)).gap).toEqual({
        from: 2,
        to: 3,
        reason: 'trimmed',
      })
      expect((await broker.since(channel, { seq: 3, epoch }, ALL)).gap).toBeUndefined()
    })

    test('a log whose entries are all too old goes on with the next number', async () => {
      const { broker } = await harness.open({ room: { count: 1000, seconds: SECONDS } })
      const channel = someRoom()
      await publishMany({ broker }, channel, 3, { createdAt: Date.now() - SECONDS * 1000 - 1 })
      const { head, publications } = await broker.since(channel, { seq: 0 }, ALL)
      expect(publications).toEqual([])
      expect(head.seq).toBe(3)
      expect(await broker.publish(draftOf(channel))).toMatchObject({ seq: 4, epoch: head.epoch })
      const page = await broker.since(channel, { seq: 2, epoch: head.epoch }, ALL)
      expect(page.gap).toEqual({ from: 3, to: 3, reason: 'trimmed' })
      expect(seqsOf(page)).toEqual([4])
    })

    test('entries that are nearly too old are kept', async () => {
      const { broker } = await harness.open({ user: { count: 1000, seconds: SECONDS }, room: PLENTY })
      const channel = someUser()
      await publishMany({ broker }, channel, 2, { createdAt: Date.now() - (SECONDS - 30) * 1000 })
      expect(seqsOf(await broker.since(channel, { seq: 0 }, ALL))).toEqual([1, 2])
    })
  })
}
