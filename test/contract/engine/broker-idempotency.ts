import { describe, expect, test } from 'vitest'
import type { Draft } from '../../../src/core/model/publication.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, seqsOf, someRoom, someUser, upTo } from './harness.ts'

const keyed = (key: string, fingerprint = 'f'): Partial<Draft> => ({ idempotency: { key, fingerprint } })

/** One key stores once. */
export function brokerIdempotencyLaw(harness: Harness): void {
  describe('idempotency', () => {
    test('a repetition answers what the first was answered, with the connections of now, and is not stored or heard', async () => {
      const { broker, connections } = await harness.open()
      const channel = someUser()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      const first = await broker.publish(draftOf(channel, 'once', keyed('k')))
      expect(first).toMatchObject({ seq: 1, connections: 0, replayed: false })
      await connections.announce(channel, 2)
      const again = await broker.publish(draftOf(channel, 'once', keyed('k')))
      expect(again).toEqual({ ...first, connections: 2, replayed: true })
      await broker.publish(draftOf(channel, 'next'))
      await recorder.hasHeard(2)
      expect(recorder.data).toEqual(['once', 'next'])
      expect(seqsOf(await broker.since(channel, { seq: 0 }, ALL))).toEqual([1, 2])
    })

    test('another body under the same key is a conflict, and harms nobody who publishes at the same time', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      await broker.publish(draftOf(channel, 'first', keyed('k')))
      const results = await Promise.allSettled([
        broker.publish(draftOf(channel, 'before')),
        broker.publish(draftOf(channel, 'other', keyed('k', 'g'))),
        broker.publish(draftOf(channel, 'after')),
      ])
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(results[1]).toMatchObject({ reason: { code: 'idempotency_conflict', temporary: false } })
      expect(seqsOf(await broker.since(channel, { seq: 0 }, ALL))).toEqual([1, 2, 3])
      expect(await broker.publish(draftOf(channel, 'first', keyed('k')))).toMatchObject({
        seq: 1,
        replayed: true,
      })
    })

    test('the same key 50 times at once is one entry', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      const published = await Promise.all(
        upTo(50).map(() => broker.publish(draftOf(channel, 'once', keyed('k')))),
      )
      expect(new Set(published.map(({ id }) => id)).size).toBe(1)
      expect(published.map(({ seq }) => seq)).toEqual(Array(50).fill(1))
      expect(published.filter(({ replayed }) => !replayed)).toHaveLength(1)
      await broker.publish(draftOf(channel, 'next'))
      await recorder.hasHeard(2)
      expect(recorder.data).toEqual(['once', 'next'])
    })

    test('other keys, other channels, and no key are other publications', async () => {
      const { broker } = await harness.open()
      const [channel, other] = [someUser(), someRoom()]
      const drafts = [
        draftOf(channel, 'a', keyed('k')),
        draftOf(channel, 'a', keyed('K')),
        draftOf(channel, 'a', keyed('k ')),
        draftOf(channel, 'a'),
        draftOf(channel, 'a'),
        draftOf(other, 'a', keyed('k')),
      ]
      const published = await Promise.all(drafts.map((draft) => broker.publish(draft)))
      expect(published.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 1])
      expect(published.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id))
    })

    test('holds for what is ephemeral as well', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      const ephemeral = { ...keyed('k'), stored: false }
      const first = await broker.publish(draftOf(channel, 'once', ephemeral))
      expect(await broker.publish(draftOf(channel, 'once', ephemeral))).toEqual({ ...first, replayed: true })
      expect(first).toMatchObject({ seq: 0, epoch: '' })
      await expect(
        broker.publish(draftOf(channel, 'x', { ...keyed('k', 'g'), stored: false })),
      ).rejects.toMatchObject({
        code: 'idempotency_conflict',
      })
      await broker.publish(draftOf(channel, 'next'))
      await recorder.hasHeard(2)
      expect(recorder.data).toEqual(['once', 'next'])
    })
  })
}
