import { describe, expect, test } from 'vitest'
import { openDesk } from './desk.ts'
import { type Harness, upTo } from './harness.ts'

/** Acknowledgements by tabs. */
export function inboxAcknowledgeLaw(harness: Harness): void {
  describe('acknowledgements', () => {
    test('the first acknowledgement counts as the delivery', async () => {
      const desk = await openDesk(harness)
      const [first, second] = [await desk.notify({}), await desk.notify({})]
      expect(await desk.engine.inbox.acknowledge(desk.channel, 1, '2026-01-01T00:00:00.000Z')).toEqual([
        { id: first.id, waiter: undefined, hasWebhook: false },
      ])
      expect(await desk.engine.inbox.acknowledge(desk.channel, 1, '2026-01-02T00:00:00.000Z')).toEqual([])
      expect(await desk.inboxes.find(desk.user, first.id)).toMatchObject({
        deliveredAt: '2026-01-01T00:00:00.000Z',
      })
      expect(await desk.inboxes.find(desk.user, second.id)).toMatchObject({ deliveredAt: undefined })
      await desk.engine.inbox.acknowledge(desk.channel, 99, '2026-01-03T00:00:00.000Z')
      const third = await desk.notify({})
      expect(await desk.inboxes.find(desk.user, third.id)).toMatchObject({ deliveredAt: undefined })
    })

    test('an acknowledgement from a position on leaves what lies before it to others', async () => {
      const desk = await openDesk(harness)
      const ids: string[] = []
      for (const _ of upTo(4)) ids.push((await desk.notify({})).id)
      const acknowledge = async (seq: number, above?: number) =>
        (await desk.engine.inbox.acknowledge(desk.channel, seq, '2026-01-01T00:00:00.000Z', above)).map(
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
  })
}
