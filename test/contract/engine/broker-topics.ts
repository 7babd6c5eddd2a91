import { describe, expect, test } from 'vitest'
import type { Published } from '../../../src/core/engine/broker.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, PLENTY, publishMany, someRoom, someUser, upTo } from './harness.ts'

/** Topics: what subscribers hear, and when. */
export function brokerTopicsLaw(harness: Harness): void {
  describe('a topic', () => {
    test('a subscriber hears the first publish after subscribe has resolved, with everything that was said', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      const draft = draftOf(channel, 'hello', { except: 'socket-1', expiresAt: Date.now() + 60_000 })
      const { seq, epoch } = await broker.publish(draft)
      await recorder.hasHeard(1)
      const { id, event, createdAt, expiresAt } = draft
      expect(recorder.heard[0]).toMatchObject({
        channel,
        seq,
        epoch,
        id,
        event,
        createdAt,
        expiresAt,
        except: 'socket-1',
      })
      expect(recorder.data).toEqual(['hello'])
    })

    test('two handlers hear each publication once, and one that subscribed twice as well', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const recorders = [new TopicRecorder(), new TopicRecorder()]
      for (const recorder of [...recorders, recorders[0]!]) await broker.subscribe(channel, recorder.hear)
      await publishMany({ broker }, channel, 3)
      for (const recorder of recorders) {
        await recorder.hasHeard(3)
        expect(recorder.seqs).toEqual([1, 2, 3])
      }
    })

    test('another channel hears nothing', async () => {
      const { broker } = await harness.open()
      const [here, there] = [someRoom(), someRoom()]
      const recorder = new TopicRecorder()
      await broker.subscribe(here, recorder.hear)
      await broker.publish(draftOf(there, 'not for you'))
      await broker.publish(draftOf(here, 'for you'))
      await recorder.hasHeard(1)
      expect(recorder.data).toEqual(['for you'])
    })

    harness.longTest('10,000 publications are heard in the order in which they were published', async () => {
      const { broker } = await harness.open({ room: { count: 10_000, seconds: 3600 } })
      const channel = someRoom()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      // No engine promises to take all of them at once within its deadline.
      for (let from = 0; from < 10_000; from += 500)
        await Promise.all(upTo(500).map((number) => broker.publish(draftOf(channel, from + number))))
      await recorder.hasHeard(10_000)
      expect(recorder.seqs).toEqual(upTo(10_000))
      expect(recorder.data).toEqual(upTo(10_000))
    })

    test('after unsubscribe a handler hears nothing, and the other one goes on', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const [gone, stays] = [new TopicRecorder(), new TopicRecorder()]
      await broker.subscribe(channel, gone.hear)
      await broker.subscribe(channel, stays.hear)
      broker.unsubscribe(channel, gone.hear)
      await broker.publish(draftOf(channel))
      await stays.hasHeard(1)
      expect(gone.heard).toEqual([])
    })

    test('after unsubscribe the last handler hears nothing, and the next subscriber does', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const [gone, next] = [new TopicRecorder(), new TopicRecorder()]
      await broker.subscribe(channel, gone.hear)
      broker.unsubscribe(channel, gone.hear)
      await broker.publish(draftOf(channel, 'unheard'))
      await broker.subscribe(channel, next.hear)
      await broker.publish(draftOf(channel, 'heard'))
      await next.hasHeard(1)
      expect(next.data).toEqual(['heard'])
      expect(gone.heard).toEqual([])
    })

    test('what has been published but not yet heard is not heard after unsubscribe', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const [gone, stays] = [new TopicRecorder(), new TopicRecorder()]
      await broker.subscribe(channel, gone.hear)
      await broker.subscribe(channel, stays.hear)
      const publishing = broker.publish(draftOf(channel))
      broker.unsubscribe(channel, gone.hear)
      await Promise.all([publishing, stays.hasHeard(1)])
      expect(gone.heard).toEqual([])
    })

    test('subscribe, unsubscribe and subscribe in one tick end subscribed', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const recorder = new TopicRecorder()
      const first = broker.subscribe(channel, recorder.hear)
      broker.unsubscribe(channel, recorder.hear)
      const second = broker.subscribe(channel, recorder.hear)
      await Promise.allSettled([first, second])
      await broker.publish(draftOf(channel))
      await recorder.hasHeard(1)
      expect(recorder.seqs).toEqual([1])
    })

    test('a handler that was never subscribed is ignored by unsubscribe', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      broker.unsubscribe(channel, () => {})
      broker.unsubscribe(someRoom(), recorder.hear)
      await broker.publish(draftOf(channel))
      await recorder.hasHeard(1)
    })

    test('handlers are never called inside publish, and the log has what they hear', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      const { promise: read, resolve } = Promise.withResolvers<number[]>()
      let inside = true
      let heardInside = false
      await broker.subscribe(channel, () => {
        heardInside = inside
        void broker
          .since(channel, { seq: 0 }, ALL)
          .then(({ publications }) => resolve(publications.map(({ seq }) => seq)))
      })
      const publishing = broker.publish(draftOf(channel))
      inside = false
      await publishing
      expect(await read).toEqual([1])
      expect(heardInside).toBe(false)
    })

    test('a handler that throws is reported and does not silence the next one, nor itself', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const recorder = new TopicRecorder()
      let calls = 0
      await broker.subscribe(channel, () => {
        calls++
        throw new Error('a fault of the handler')
      })
      await broker.subscribe(channel, recorder.hear)
      await publishMany({ broker }, channel, 2)
      await recorder.hasHeard(2)
      expect(calls).toBe(2)
      expect(harness.reported.splice(0).map(String)).toEqual(Array(2).fill('Error: a fault of the handler'))
    })

    test('an unstored publication is heard in its turn, has no seq, and is not in the log', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      const published: Published[] = await Promise.all([
        broker.publish(draftOf(channel, 'a')),
        broker.publish(draftOf(channel, 'b', { stored: false })),
        broker.publish(draftOf(channel, 'c')),
      ])
      await recorder.hasHeard(3)
      expect(recorder.data).toEqual(['a', 'b', 'c'])
      expect(recorder.heard[1]).toMatchObject({ seq: 0, epoch: '' })
      expect(published[1]).toMatchObject({ seq: 0, epoch: '', replayed: false })
      const page = await broker.since(channel, { seq: 0 }, ALL)
      expect(page.publications.map(({ seq }) => seq)).toEqual([1, 2])
    })

    test('two stores hear nothing of each other, and number for themselves', async () => {
      const { broker } = await harness.open({ room: PLENTY })
      const other = await harness.makeStore()
      try {
        const elsewhere = await harness.open({}, other)
        const channel = someRoom()
        const recorder = new TopicRecorder()
        await elsewhere.broker.subscribe(channel, recorder.hear)
        await publishMany({ broker }, channel, 3)
        const { seq } = await elsewhere.broker.publish(draftOf(channel, 'here'))
        await recorder.hasHeard(1)
        expect(recorder.data).toEqual(['here'])
        expect(seq).toBe(1)
        await elsewhere.close()
      } finally {
        await other.stop()
      }
    })
  })
}
