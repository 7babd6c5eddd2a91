import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { openDesk } from './desk.ts'
import { type Harness, upTo } from './harness.ts'

/** Retention of the inbox: how long notifications stay, and how many. */
export function inboxLifetimesLaw(harness: Harness): void {
  describe('what leaves the inbox', () => {
    harness.longTest(
      'what expires leaves the inbox, the log and the counts, and tabs hear of it within five seconds',
      async () => {
        const desk = await openDesk(harness)
        const recorder = new TopicRecorder()
        await desk.engine.broker.subscribe(desk.channel, recorder.hear)
        const { id } = await desk.notify({ ttl: 1 })
        const since = Date.now()
        await desk.notify({ title: 'stays' })
        await recorder.hasHeard(3)
        expect(Date.now() - since).toBeGreaterThanOrEqual(900)
        expect(Date.now() - since).toBeLessThan(6000)
        expect(payloadOf(recorder.heard[2]!)).toMatchObject({ ids: [id], unread: 1, unseen: 1 })
        expect(await desk.titles()).toEqual(['stays'])
        expect(await desk.list()).toMatchObject({ unread: 1 })
        expect(await desk.inboxes.find(desk.user, id)).toBeUndefined()
      },
    )

    harness.longTest(
      'what is older than the retention ends as well, at the time that its tabs know',
      async () => {
        const desk = await openDesk(harness, 1000, 2)
        const recorder = new TopicRecorder()
        await desk.engine.broker.subscribe(desk.channel, recorder.hear)
        const { id } = await desk.notify({})
        await recorder.hasHeard(2)
        const [shown, removed] = recorder.heard.map((publication) => payloadOf(publication)) as Record<
          string,
          string
        >[]
        expect(Date.parse(shown!.expiresAt!) - Date.parse(shown!.createdAt!)).toBe(2000)
        expect(removed).toMatchObject({ ids: [id], unread: 0, unseen: 0 })
        expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(shown!.expiresAt!))
        expect(Date.now()).toBeLessThan(Date.parse(shown!.expiresAt!) + 5000)
        expect(await desk.list()).toMatchObject({ items: [], unread: 0 })
      },
    )

    harness.longTest('many that end at the same time are gone at once', async () => {
      const desk = await openDesk(harness)
      await Promise.all(upTo(250).map(() => desk.notify({ ttl: 2 })))
      await desk.notify({ title: 'stays' })
      const end = Date.now() + 2000
      while (Date.now() <= end) await delay(end + 1 - Date.now())
      expect(await desk.list()).toMatchObject({
        items: [{ content: expect.stringContaining('stays') }],
        unread: 1,
      })
    })

    harness.longTest('one that has ended is in nobody’s way', async () => {
      const desk = await openDesk(harness)
      const ended = { tag: 't', version: 10, ttl: 1, progress: { status: 'succeeded' } } as const
      const { id } = await desk.notify(ended)
      const item = await desk.inboxes.find(desk.user, id)
      const end = Date.parse(item!.expiresAt)
      while (Date.now() <= end) await delay(end + 1 - Date.now())
      const next = await desk.notify({ tag: 't', progress: { status: 'running' } })
      expect(next).toMatchObject({ upsert: { version: 1, created: true, applied: true } })
      expect(next.id).not.toBe(id)
    })

    test.each([
      [4, 0],
      [5, 0],
      [6, 1],
    ])('of five that are kept and %i that were sent, %i are gone', async (count, gone) => {
      const desk = await openDesk(harness, 5)
      for (const number of upTo(count)) await desk.notify({ title: `${number}`, tag: `tag-${number}` })
      expect(await desk.titles()).toEqual(upTo(count).slice(gone).reverse().map(String))
      expect(await desk.list()).toMatchObject({ unread: count - gone, unseen: count - gone })
      expect(await desk.inboxes.find(desk.user, 'tag-1')).toEqual(gone === 0 ? expect.any(Object) : undefined)
    })

    harness.longTest('marks push nothing out of it', async () => {
      const desk = await openDesk(harness, 20)
      await Promise.all(upTo(20).map((number) => desk.notify({ title: `${number}` })))
      for (let round = 0; round < 100; round++)
        await desk.inboxes.mark(desk.user, { state: 'read', value: round % 2 === 0 })
      expect(await desk.list()).toMatchObject({ items: { length: 20 }, unread: 20 })
    })
  })
}
