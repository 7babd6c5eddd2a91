import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { openDesk } from './desk.ts'
import { ALL, type Harness, upTo } from './harness.ts'

const running = (value: number): NotificationInput => ({
  tag: 'export',
  progress: { status: 'running', value },
})

/** A user's inbox, and what tabs hear of it. */
export function inboxLaw(harness: Harness): void {
  describe('the inbox', () => {
    test('the same for many users is stored for each, in their order; a conflict is one user’s alone', async () => {
      const engine = await harness.open()
      const publisher = new Publisher(engine)
      const users = Array.from({ length: 203 }, () => randomUUID())
      const options = { credential: 'test', idempotencyKey: 'once' }
      const other = users[101]!
      await publisher.notify(other, { title: 'B' }, options)
      const results = await publisher.notifyMany(users, { title: 'A' }, options)
      const repeated = await publisher.notifyMany(users, { title: 'A' }, options)
      for (const [index, user] of users.entries()) {
        const { items, unread } = await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 10 })
        expect({ unread, stored: items.length }).toEqual({ unread: 1, stored: 1 })
        for (const result of [results[index], repeated[index]])
          if (user === other)
            expect(result).toMatchObject({ status: 'rejected', reason: { code: 'idempotency_conflict' } })
          else expect(result).toMatchObject({ status: 'fulfilled', value: { id: items[0]!.id, seq: 1 } })
      }
      const again = (all: typeof results) =>
        all.filter((result) => result.status === 'fulfilled' && result.value.replayed).length
      expect([again(results), again(repeated)]).toEqual([0, 202])
    })

    test('lists what was sent, newest first, with its counts', async () => {
      const desk = await openDesk(harness)
      for (const title of ['one', 'two', 'three'])
        await desk.notify({ title, data: [title, 10n ** 2n === 100n] })
      expect(await desk.titles()).toEqual(['three', 'two', 'one'])
      expect(await desk.list()).toMatchObject({ unread: 3, unseen: 3, seq: 3, complete: true })
      expect(await desk.log()).toMatchObject([
        { title: 'one', unread: 1, unseen: 1, version: 1, seenAt: null, readAt: null, archivedAt: null },
        { title: 'two', unread: 2 },
        { title: 'three', unread: 3 },
      ])
    })

    test('what is ephemeral is not in it', async () => {
      const desk = await openDesk(harness)
      await desk.notify({ ttl: 0 })
      expect(await desk.list()).toMatchObject({ items: [], unread: 0, seq: 0 })
    })

    test('the same tag replaces in place: the id stays, the seq is new, and only the newest is in the log', async () => {
      const desk = await openDesk(harness)
      const first = await desk.notify({ title: 'first', tag: 'export' })
      await desk.notify({ title: 'other' })
      const second = await desk.notify({ title: 'second', tag: 'export' })
      expect(first.upsert).toEqual({ version: 1, created: true, applied: true })
      expect(second).toMatchObject({
        id: first.id,
        seq: 3,
        upsert: { version: 2, created: false, applied: true },
      })
      expect(await desk.titles()).toEqual(['second', 'other'])
      const log = await desk.log()
      expect(log).toMatchObject([
        { title: 'other', seq: 2 },
        { title: 'second', id: first.id, seq: 3, version: 2, unread: 2 },
      ])
      expect(log[1]!.createdAt).toBe((await desk.list()).items[0]!.createdAt)
      const page = await desk.engine.broker.since(desk.channel, { seq: 1, epoch: first.epoch }, ALL)
      expect(page.gap).toBeUndefined()
    })

    test('an update that is not newer than the stored one is dropped, and says where that is', async () => {
      const desk = await openDesk(harness)
      const first = await desk.notify({ title: 'five', tag: 't', version: 5 })
      for (const version of [4, 5]) {
        const dropped = await desk.notify({ title: 'late', tag: 't', version })
        expect(dropped).toMatchObject({
          id: first.id,
          seq: 1,
          upsert: { version: 5, created: false, applied: false },
        })
      }
      expect(await desk.notify({ title: 'six', tag: 't', version: 6 })).toMatchObject({
        seq: 2,
        upsert: { version: 6 },
      })
      expect(await desk.notify({ title: 'next', tag: 't' })).toMatchObject({ seq: 3, upsert: { version: 7 } })
      expect(await desk.titles()).toEqual(['next'])
    })

    test('a replacement keeps what was seen, read and archived, unless it notifies again', async () => {
      const desk = await openDesk(harness)
      const { id } = await desk.notify({ tag: 't' })
      await desk.inboxes.mark(desk.user, { ids: [id], state: 'read', value: true })
      await desk.notify({ tag: 't' })
      expect(await desk.list()).toMatchObject({ unread: 0, items: [{ readAt: expect.any(String) }] })
      await desk.notify({ tag: 't', renotify: true })
      expect(await desk.list()).toMatchObject({ unread: 1, unseen: 1, items: [{ readAt: undefined }] })
    })

    test('a task alerts when it begins and once when it is over, and is not set back by a late worker', async () => {
      const desk = await openDesk(harness)
      const recorder = new TopicRecorder()
      await desk.engine.broker.subscribe(desk.channel, recorder.hear)
      const { id } = await desk.notify(running(1))
      await desk.notify(running(2))
      await desk.inboxes.mark(desk.user, { ids: [id], state: 'read', value: true })
      const over: NotificationInput = { tag: 'export', progress: { status: 'succeeded' } }
      await desk.notify(over)
      await desk.notify(over)
      expect(await desk.notify(running(3))).toMatchObject({ upsert: { applied: false } })
      await recorder.hasHeard(5)
      const heard = recorder.heard.map((publication) => payloadOf(publication))
      expect(heard.map(({ alert }) => alert)).toEqual([true, false, undefined, true, false])
      expect(heard.map(({ unread }) => unread)).toEqual([1, 1, 0, 1, 1])
      expect(recorder.heard.map(({ event }) => event)).toEqual([
        'progress',
        'progress',
        'state',
        'notification',
        'notification',
      ])
      expect(await desk.notify({ ...running(0), version: 100 })).toMatchObject({
        upsert: { applied: true, version: 100 },
      })
      await desk.inboxes.withdraw(desk.user, 'export')
      expect(await desk.notify(running(0))).toMatchObject({ upsert: { created: true, version: 1 } })
    })

    test('a repeated key answers what the first was answered, also after another replacement', async () => {
      const desk = await openDesk(harness)
      await desk.notify({ title: 'first', tag: 't' })
      const second = await desk.notify({ title: 'second', tag: 't' }, 'k')
      await desk.notify({ title: 'third', tag: 't' })
      expect(await desk.notify({ title: 'second', tag: 't' }, 'k')).toEqual({ ...second, replayed: true })
      expect(await desk.titles()).toEqual(['third'])
    })

    test.each(['seen', 'read', 'archived'] as const)(
      '%s is published once with the counts, and can be taken back',
      async (state) => {
        const desk = await openDesk(harness)
        const { id } = await desk.notify({})
        await desk.notify({})
        const mark = (value: boolean) =>
          desk.inboxes.mark(desk.user, { ids: [id, randomUUID()], state, value })
        const left = { unread: state === 'seen' ? 2 : 1, unseen: 1 }
        expect(await mark(true)).toEqual(left)
        expect(await mark(true)).toEqual(left)
        expect(await mark(false)).toEqual({ unread: 2, unseen: 2 })
        const heard = (await desk.log()).slice(2)
        expect(heard).toHaveLength(2)
        expect(heard[0]).toMatchObject({
          ids: expect.arrayContaining([id]),
          [`${state}At`]: expect.any(String),
          ...left,
          seq: 3,
        })
        expect(heard[1]).toMatchObject({
          [`${state}At`]: null,
          unread: 2,
          unseen: 2,
          seq: 4,
          epoch: expect.any(String),
        })
      },
    )

    test('all can be marked, and all before a time', async () => {
      const desk = await openDesk(harness)
      await desk.notify({ title: 'old' })
      const { updatedAt } = (await desk.list()).items[0]!
      while (new Date().toISOString() === updatedAt) await new Promise((resolve) => setImmediate(resolve))
      await desk.notify({ title: 'new' })
      await desk.inboxes.mark(desk.user, { before: updatedAt, state: 'read', value: true })
      expect(await desk.titles({ status: 'unread' })).toEqual(['new'])
      expect((await desk.log()).at(-1)).toMatchObject({ all: true, before: updatedAt, unread: 1 })
      expect(await desk.inboxes.mark(desk.user, { state: 'archived', value: true })).toEqual({
        unread: 0,
        unseen: 0,
      })
      expect(await desk.titles({ status: 'active' })).toEqual([])
      expect(await desk.titles({ status: 'archived' })).toEqual(['new', 'old'])
    })

    test('lists by status, category, type and tag, in pages', async () => {
      const desk = await openDesk(harness)
      for (const number of upTo(10))
        await desk.notify({
          title: `${number}`,
          type: number % 2 ? 'odd' : 'even',
          ...(number % 5 ? {} : { category: 'Fünf & mehr' }),
          ...(number === 7 ? { tag: 'seven' } : {}),
        })
      expect(await desk.titles({ type: 'odd' })).toEqual(['9', '7', '5', '3', '1'])
      expect(await desk.titles({ category: 'Fünf & mehr' })).toEqual(['10', '5'])
      expect(await desk.titles({ category: 'Fünf' })).toEqual([])
      expect(await desk.titles({ tag: 'seven' })).toEqual(['7'])
      expect(await desk.titles({ type: 'odd', category: 'Fünf & mehr' })).toEqual(['5'])
      const first = await desk.list({ limit: 4 })
      expect(first).toMatchObject({ complete: false, unread: 10 })
      expect(await desk.titles({ before: first.items.at(-1)!.seq, limit: 6 })).toEqual([
        '6',
        '5',
        '4',
        '3',
        '2',
        '1',
      ])
      expect((await desk.list({ before: first.items.at(-1)!.seq, limit: 6 })).complete).toBe(true)
      expect((await desk.list({ before: first.items.at(-1)!.seq, limit: 5 })).complete).toBe(false)
    })

    test('one is found by its id and by its tag, and withdrawn everywhere', async () => {
      const desk = await openDesk(harness)
      const { id } = await desk.notify({ title: 'here', tag: 't' })
      await desk.notify({ title: 'stays' })
      for (const key of [id, 't'])
        expect(await desk.inboxes.find(desk.user, key)).toMatchObject({ id, tag: 't', seq: 1, version: 1 })
      expect(await desk.inboxes.withdraw(desk.user, 't')).toBe(true)
      expect(await desk.inboxes.withdraw(desk.user, id)).toBe(false)
      expect(await desk.inboxes.find(desk.user, id)).toBeUndefined()
      expect(await desk.log()).toMatchObject([
        { title: 'stays' },
        { ids: [id], unread: 1, unseen: 1, seq: 3 },
      ])
      expect(await desk.notify({ tag: 't' })).toMatchObject({ upsert: { version: 1, created: true } })
    })

    test('a version stays at the highest number that is exact', async () => {
      const desk = await openDesk(harness)
      const version = Number.MAX_SAFE_INTEGER
      await desk.notify({ tag: 't', version })
      expect(await desk.notify({ tag: 't', title: 'B' })).toMatchObject({
        upsert: { version, applied: true },
      })
      expect(await desk.notify({ tag: 't', title: 'C' })).toMatchObject({
        upsert: { version, applied: true },
      })
      expect(await desk.titles()).toEqual(['C'])
      expect(await desk.inboxes.find(desk.user, 't')).toMatchObject({ version })
    })
  })
}
