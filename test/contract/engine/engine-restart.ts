import { describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, publishMany, seqsOf, someRoom, someUser, upTo } from './harness.ts'

/** An answer or an error within two seconds; the rest is for a busy machine. */
const NEVER_A_HANG = 3000

/** A store that is killed and comes back, and one that has lost everything. */
export function engineRestartLaw(harness: Harness): void {
  if (harness.features.restart)
    describe('a store that is killed and comes back', () => {
      const restart = async (engine: Engine): Promise<Engine> => {
        const next = harness.adopt(await harness.store.restart!(engine))
        await vi.waitFor(() => next.probe(), { timeout: 10_000, interval: 20 })
        // What an engine had to say about the outage is its own affair.
        harness.reported.length = 0
        return next
      }

      test('goes on with the next number, and cursors from before it are continuous', async () => {
        const before = await harness.open()
        const channel = someUser()
        await publishMany(before, channel, 3)
        const { head } = await before.broker.since(channel, {}, ALL)
        const { broker, connections } = await restart(before)
        expect(await connections.announce(channel, 1)).toEqual(head)
        expect((await broker.since(channel, head, ALL)).gap).toBeUndefined()
        await publishMany({ broker }, channel, 2)
        for (const seq of [0, 1, 3]) {
          const page = await broker.since(channel, { seq, epoch: head.epoch }, ALL)
          expect(page.gap).toBeUndefined()
          expect(seqsOf(page)).toEqual(upTo(5).slice(seq))
          expect(page.head.epoch).not.toBe(head.epoch)
        }
        const ahead = await broker.since(channel, { seq: 4, epoch: head.epoch }, ALL)
        expect(ahead.gap).toEqual({ from: 4, to: 4, reason: 'failover' })
        expect(seqsOf(ahead)).toEqual([4, 5])
      })

      test('has everything that was acknowledged, and refuses the rest in time with temporary errors', async () => {
        const before = await harness.open({ user: { count: 100_000, seconds: 3600 } })
        const channel = someUser()
        const acknowledged: number[] = []
        let running = true
        const publishing = (async () => {
          for (let number = 1; running || number < 50; number++) {
            const start = performance.now()
            try {
              const { seq } = await before.broker.publish(draftOf(channel, number))
              acknowledged.push(seq)
            } catch (error) {
              expect(error).toMatchObject({ temporary: true })
            }
            expect(performance.now() - start).toBeLessThan(NEVER_A_HANG)
            await new Promise((resolve) => setImmediate(resolve))
          }
        })()
        await before.broker.publish(draftOf(channel))
        const after = await restart(before)
        running = false
        await publishing
        const { publications } = await after.broker.since(channel, { seq: 0 }, ALL)
        const stored = publications.map(({ seq }) => seq)
        expect(stored).toEqual(upTo(stored.length))
        expect(acknowledged.length).toBeGreaterThan(0)
        expect(acknowledged.filter((seq) => !stored.includes(seq))).toEqual([])
      }, 30_000)

      test('is heard again, and an engine that survives says that it missed something', async () => {
        const before = await harness.open()
        const channel = someRoom()
        const recorder = new TopicRecorder()
        const { promise: restored, resolve } = Promise.withResolvers<void>()
        before.broker.onRestored(resolve)
        await before.broker.subscribe(channel, recorder.hear)
        const after = await restart(before)
        if (after === before) await restored
        else await after.broker.subscribe(channel, recorder.hear)
        await after.broker.publish(draftOf(channel, 'again'))
        await recorder.hasHeard(1)
        expect(recorder.data).toEqual(['again'])
      })

      test('remembers idempotency keys, revocations and retention', async () => {
        const before = await harness.open({ room: { count: 2, seconds: 3600 } })
        const [channel, user] = [someRoom(), someUser()]
        const idempotency = { key: 'k', fingerprint: 'f' }
        const first = await before.broker.publish(draftOf(channel, 'once', { idempotency }))
        await publishMany(before, channel, 3)
        await before.revocations.revoke(user, 1_700_000_000)
        const { broker, revocations } = await restart(before)
        expect(await broker.publish(draftOf(channel, 'once', { idempotency }))).toEqual({
          ...first,
          replayed: true,
        })
        expect(await revocations.revokedUntil(user)).toBe(1_700_000_000)
        const page = await broker.since(channel, { seq: 1, epoch: first.epoch }, ALL)
        expect(page.gap).toEqual({ from: 2, to: 2, reason: 'trimmed' })
        expect(seqsOf(page)).toEqual([3, 4])
      })
    })

  describe('a store that has lost everything', () => {
    test.each([0, 1, 5])('answers an old cursor with a gap, with %i entries written since', async (count) => {
      const before = await harness.open()
      const channel = someUser()
      await publishMany(before, channel, 3)
      const { head } = await before.broker.since(channel, {}, ALL)
      const { broker } = harness.adopt(await harness.store.wipe(before))
      await publishMany({ broker }, channel, count)
      const page = await broker.since(channel, head, ALL)
      expect(page.gap).toEqual({ from: 1, to: 3, reason: 'wiped' })
      expect(seqsOf(page)).toEqual(upTo(count))
      expect(page.head.epoch.split('.')[0]).not.toBe(head.epoch.split('.')[0])
    })
  })
}
