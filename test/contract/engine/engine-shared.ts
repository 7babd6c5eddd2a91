import { describe, expect, test, vi } from 'vitest'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, seqsOf, someRoom, someUser, upTo } from './harness.ts'

/** Two engines on one store. */
export function engineSharedLaw(harness: Harness): void {
  if (harness.features.shared)
    describe('two engines on one store', () => {
      const openTwo = async () => [await harness.open(), await harness.open()] as const

      test('hear each other and themselves, in the same order, under one numbering', async () => {
        const engines = await openTwo()
        const channel = someRoom()
        const recorders = [new TopicRecorder(), new TopicRecorder()]
        for (const [index, { broker }] of engines.entries())
          await broker.subscribe(channel, recorders[index]!.hear)
        const published = await Promise.all(
          upTo(200).map((number) => engines[number % 2]!.broker.publish(draftOf(channel, number))),
        )
        expect(published.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(upTo(200))
        for (const recorder of recorders) {
          await recorder.hasHeard(200)
          expect(recorder.seqs).toEqual(upTo(200))
        }
        expect(recorders[0]!.data).toEqual(recorders[1]!.data)
      })

      test('read one log, and a cursor of one is good for the other', async () => {
        const [one, two] = await openTwo()
        const channel = someUser()
        await one.broker.publish(draftOf(channel))
        const { end } = await one.broker.since(channel, {}, ALL)
        await two.broker.publish(draftOf(channel))
        const page = await two.broker.since(channel, end, ALL)
        expect(seqsOf(page)).toEqual([2])
        expect(page.gap).toBeUndefined()
      })

      test('know each other’s idempotency keys, also when they race', async () => {
        const engines = await openTwo()
        const channel = someUser()
        const idempotency = { key: 'k', fingerprint: 'f' }
        const published = await Promise.all(
          upTo(50).map((number) =>
            engines[number % 2]!.broker.publish(draftOf(channel, 'once', { idempotency })),
          ),
        )
        expect(new Set(published.map(({ id }) => id)).size).toBe(1)
        expect(published.filter(({ replayed }) => !replayed)).toHaveLength(1)
        expect(seqsOf(await engines[0].broker.since(channel, { seq: 0 }, ALL))).toEqual([1])
      })

      harness.longTest(
        'sum their connections, and those of an engine that has closed are gone within ten seconds',
        async () => {
          const [one, two] = await openTwo()
          const channel = someUser()
          await one.connections.announce(channel, 2)
          await two.connections.announce(channel, 3)
          for (const { broker, connections } of [one, two]) {
            expect(await connections.count([channel])).toMatchObject([{ connections: 5 }])
            expect((await broker.publish(draftOf(channel))).connections).toBe(5)
          }
          await two.close()
          await vi.waitFor(
            async () => expect(await one.connections.count([channel])).toMatchObject([{ connections: 2 }]),
            { timeout: 10_000, interval: 200 },
          )
        },
      )

      test('are each other’s peers, until one closes', async () => {
        const [one, two] = await openTwo()
        const [first, second] = [someRoom(), someRoom()].map((url) => ({ role: 'all', url }))
        one.registry.enter(first!)
        two.registry.enter(second!)
        await two.registry.peers()
        await one.registry.peers()
        for (const { registry } of [one, two]) {
          const peers = await registry.peers()
          expect(peers).toContainEqual(first)
          expect(peers).toContainEqual(second)
        }
        await two.close()
        expect(await one.registry.peers()).not.toContainEqual(second)
      })

      test('share revocations', async () => {
        const [one, two] = await openTwo()
        const user = someUser()
        await one.revocations.revoke(user, 1_700_000_000)
        expect(await two.revocations.revokedUntil(user)).toBe(1_700_000_000)
      })
    })
}
