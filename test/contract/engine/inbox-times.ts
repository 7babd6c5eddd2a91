import { describe, expect, test } from 'vitest'
import { draftNotification } from '../../../src/core/drafts/notification.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { type Desk, openDesk } from './desk.ts'
import { type Harness, upTo } from './harness.ts'

const iso = (time: number): string => new Date(time).toISOString()

/** Notifies as a process whose clock says `now` (milliseconds since the epoch). */
function notifyAt(desk: Desk, now: number, input: NotificationInput = {}) {
  const draft = draftNotification(desk.user, { title: iso(now), ...input }, { credential: 'test' })
  return desk.engine.broker.publish({
    ...draft,
    createdAt: now,
    item: { ...draft.item!, updatedAt: iso(now) },
  })
}

/** Times: of updates, by clocks that differ, and of states. */
export function inboxTimesLaw(harness: Harness): void {
  describe('the times in an inbox', () => {
    test('updatedAt never falls, whatever the clocks say: for the list, the tabs and the log alike', async () => {
      const desk = await openDesk(harness)
      const recorder = new TopicRecorder()
      await desk.engine.broker.subscribe(desk.channel, recorder.hear)
      const now = Date.now() - 60_000
      for (const late of [0, -30, 5, -1, 5]) await notifyAt(desk, now + late, late === 5 ? { tag: 't' } : {})
      const expected = [0, 0, 5, 5].map((late) => iso(now + late))
      const { items } = await desk.list()
      expect(items.map(({ updatedAt }) => updatedAt)).toEqual([5, 5, 0, 0].map((late) => iso(now + late)))
      await recorder.hasHeard(5)
      const heard = recorder.heard.map((publication) => payloadOf(publication).updatedAt)
      expect(heard).toEqual([...expected, iso(now + 5)])
      expect((await desk.log()).map(({ updatedAt }) => updatedAt)).toEqual([
        ...expected.slice(0, 2),
        iso(now + 5),
        iso(now + 5),
      ])
    })

    test('all before a time are those that were updated by then, also by a clock that was behind', async () => {
      const desk = await openDesk(harness)
      const now = Date.now() - 60_000
      for (const late of [0, 10, 9, 20]) await notifyAt(desk, now + late)
      const unread = async (before: number) =>
        (await desk.inboxes.mark(desk.user, { before: iso(now + before), state: 'read', value: true })).unread
      expect(await unread(-1)).toBe(4)
      expect(await unread(9)).toBe(3)
      expect(await unread(10)).toBe(1)
      expect(await unread(20)).toBe(0)
    })

    test('a state that is there keeps its time: of one, of all, and of all again', async () => {
      const desk = await openDesk(harness)
      const at = (minute: number) => iso(Date.UTC(2026, 0, 1, 0, minute))
      const mark = async (minute: number, value: boolean, ids?: string[]) => {
        const event = {
          id: `e${minute}`,
          channel: desk.channel,
          event: 'state' as const,
          createdAt: Date.now(),
          expiresAt: 0,
        }
        const draft = { ...event, head: '["notification:state",{"all":true', tail: '', stored: true }
        return desk.engine.inbox.mark(draft, { ids, state: 'read', value, at: at(minute) })
      }
      const times = async () => (await desk.list()).items.map(({ readAt }) => readAt).reverse()
      const ids: string[] = []
      for (const _ of upTo(3)) ids.push((await desk.notify({})).id)
      expect(await mark(1, true, [ids[1]!])).toMatchObject({ changed: true, unread: 2 })
      expect(await mark(2, true)).toMatchObject({ changed: true, unread: 0 })
      expect(await times()).toEqual([at(2), at(1), at(2)])
      await desk.notify({})
      expect(await mark(3, true)).toMatchObject({ changed: true, unread: 0 })
      expect(await mark(4, true)).toMatchObject({ changed: false, unread: 0 })
      expect(await times()).toEqual([at(2), at(1), at(2), at(3)])
      expect(await mark(5, false, [ids[1]!, ids[1]!, 'unknown'])).toMatchObject({ changed: true, unread: 1 })
      expect(await mark(6, true)).toMatchObject({ changed: true, unread: 0 })
      expect(await times()).toEqual([at(2), at(6), at(2), at(3)])
      expect(await mark(7, false)).toMatchObject({ changed: true, unread: 4 })
      expect(await times()).toEqual([undefined, undefined, undefined, undefined])
    })

    test('more than a hundred ids are marked a hundred at a time', async () => {
      const desk = await openDesk(harness)
      const ids = await Promise.all(upTo(101).map(async () => (await desk.notify({})).id))
      const recorder = new TopicRecorder()
      await desk.engine.broker.subscribe(desk.channel, recorder.hear)
      const marked = await desk.inboxes.mark(desk.user, {
        ids: ids.slice(0, 100),
        state: 'seen',
        value: true,
      })
      expect(marked).toEqual({ unread: 101, unseen: 1 })
      expect(await desk.inboxes.mark(desk.user, { ids, state: 'read', value: true })).toEqual({
        unread: 0,
        unseen: 0,
      })
      await recorder.hasHeard(3)
      expect(recorder.heard.map((publication) => (payloadOf(publication).ids as string[]).length)).toEqual([
        100, 100, 1,
      ])
    })
  })
}
