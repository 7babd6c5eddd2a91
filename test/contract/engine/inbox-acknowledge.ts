import { describe, expect, test } from 'vitest'
import { draftNotification } from '../../../src/core/drafts/notification.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { Desk, openDesk } from './desk.ts'
import { ALL, type Harness, upTo } from './harness.ts'

const FIRST = '2026-01-01T00:00:00.000Z'

/** Notifies with a webhook that is not put into the queue, where others would find it. */
const notifyWithWebhook = ({ engine, user }: Desk, input: NotificationInput = {}) =>
  engine.broker.publish(
    draftNotification(
      user,
      { title: 'A', webhook: { events: ['delivered'] }, ...input },
      { credential: 'test' },
    ),
  )

/** Acknowledgements by tabs. */
export function inboxAcknowledgeLaw(harness: Harness): void {
  describe('acknowledgements', () => {
    test('the first acknowledgement counts as the delivery', async () => {
      const desk = await openDesk(harness)
      const deliveredAt = async (id: string) => (await desk.inboxes.find(desk.user, id))!.deliveredAt
      const [first, second] = [await desk.notify({}), await desk.notify({})]
      const { inbox } = desk.engine
      await inbox.acknowledge(desk.channel, 1, FIRST)
      await inbox.acknowledge(desk.channel, 1, '2026-01-02T00:00:00.000Z')
      expect([await deliveredAt(first.id), await deliveredAt(second.id)]).toEqual([FIRST, undefined])
      await inbox.acknowledge(desk.channel, 99, '2026-01-03T00:00:00.000Z')
      const third = await desk.notify({})
      expect([await deliveredAt(first.id), await deliveredAt(second.id)]).toEqual([
        FIRST,
        '2026-01-03T00:00:00.000Z',
      ])
      expect(await deliveredAt(third.id)).toBeUndefined()
    })

    test('only those that somebody waits for are named, once', async () => {
      const desk = await openDesk(harness)
      const acknowledge = (seq: number) => desk.engine.inbox.acknowledge(desk.channel, seq, FIRST)
      await desk.notify({})
      const { id } = await notifyWithWebhook(desk)
      const options = { credential: 'test', waiter: 'process-1' }
      const waited = await desk.publisher.notify(desk.user, { title: 'A' }, options)
      await desk.notify({})
      expect(await acknowledge(1)).toEqual([])
      expect(await acknowledge(4)).toEqual([
        { id, waiter: undefined, hasWebhook: true },
        { id: waited.id, waiter: 'process-1', hasWebhook: false },
      ])
      expect(await acknowledge(4)).toEqual([])
      const { publications } = await desk.engine.broker.since(desk.channel, { seq: 0 }, ALL)
      expect(publications.map(({ isAwaited }) => isAwaited === true)).toEqual([false, true, true, false])
    })

    test('an acknowledgement from a position on leaves what lies before it to others', async () => {
      const desk = await openDesk(harness)
      const ids: string[] = []
      for (const _ of upTo(4)) ids.push((await notifyWithWebhook(desk)).id)
      const acknowledge = async (seq: number, above?: number) =>
        (await desk.engine.inbox.acknowledge(desk.channel, seq, FIRST, above)).map(
          ({ id }) => ids.indexOf(id) + 1,
        )
      expect(await acknowledge(2, 2)).toEqual([])
      expect(await acknowledge(3, 2)).toEqual([3])
      expect(await acknowledge(3, 1)).toEqual([2])
      expect(await acknowledge(1, 3)).toEqual([])
      expect(await acknowledge(3)).toEqual([1])
      expect(await acknowledge(3)).toEqual([])
      expect(await acknowledge(4, 2)).toEqual([4])
    })

    test('several users in one call: each as by itself, with the results in their order', async () => {
      const ada = await openDesk(harness)
      const bob = new Desk(ada.engine)
      const [first, second] = [await notifyWithWebhook(ada), await notifyWithWebhook(bob)]
      const { inbox } = ada.engine
      const acks = [bob, ada, bob].map(({ channel }) => ({ channel, seq: 1, above: 0 }))
      expect(await inbox.acknowledgeAll(acks, FIRST)).toEqual([
        { status: 'fulfilled', value: [{ id: second.id, waiter: undefined, hasWebhook: true }] },
        { status: 'fulfilled', value: [{ id: first.id, waiter: undefined, hasWebhook: true }] },
        { status: 'fulfilled', value: [] },
      ])
      expect(await inbox.acknowledgeAll([], FIRST)).toEqual([])
      for (const [desk, { id }] of [
        [ada, first],
        [bob, second],
      ] as const)
        expect(await desk.inboxes.find(desk.user, id)).toMatchObject({ deliveredAt: FIRST })
    })

    test('a version that replaced a delivered one is delivered anew', async () => {
      const desk = await openDesk(harness)
      const { id } = await notifyWithWebhook(desk, { tag: 't' })
      await desk.notify({})
      await desk.engine.inbox.acknowledge(desk.channel, 2, FIRST)
      const next = await notifyWithWebhook(desk, { tag: 't' })
      expect(next.id).toBe(id)
      expect(await desk.inboxes.find(desk.user, 't')).toMatchObject({ deliveredAt: undefined, version: 2 })
      const later = '2026-01-02T00:00:00.000Z'
      expect(await desk.engine.inbox.acknowledge(desk.channel, next.seq, later)).toMatchObject([{ id }])
      expect(await desk.inboxes.find(desk.user, id)).toMatchObject({ deliveredAt: later })
    })
  })
}
