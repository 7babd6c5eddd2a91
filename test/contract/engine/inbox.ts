import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import type { InboxQuery } from '../../../src/core/engine/inbox.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, upTo } from './harness.ts'

/** What a test of an inbox has at hand: one user's. */
class Desk {
  readonly user = randomUUID()
  readonly channel = userChannel(this.user)
  readonly engine: Engine
  readonly inboxes: Inboxes
  readonly publisher: Publisher

  constructor(engine: Engine) {
    this.engine = engine
    this.inboxes = new Inboxes(engine)
    this.publisher = new Publisher(engine)
  }

  notify(input: NotificationInput, idempotencyKey?: string) {
    return this.publisher.notify(this.user, { title: 'A', ...input }, { credential: 'test', idempotencyKey })
  }

  list(query: Partial<InboxQuery> = {}) {
    return this.inboxes.list(this.user, { ...EVERYTHING, limit: 100, ...query })
  }

  async titles(query: Partial<InboxQuery> = {}): Promise<unknown[]> {
    const { items } = await this.list(query)
    return items.map(({ content }) => JSON.parse(`{${content}}`).title)
  }

  /** The payloads of the log, oldest first. */
  async log() {
    const { publications } = await this.engine.broker.since(this.channel, { seq: 0 }, ALL)
    return publications.map((publication) => payloadOf(publication))
  }
}

const running = (value: number): NotificationInput => ({
  tag: 'export',
  progress: { status: 'running', value },
})

/** What stands in a user's inbox, and what tabs hear of it. */
export function inboxLaw(harness: Harness): void {
  const sit = async (count = 1000, seconds = 86_400): Promise<Desk> =>
    new Desk(await harness.open({ user: { count, seconds } }))

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
      const desk = await sit()
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
      const desk = await sit()
      await desk.notify({ ttl: 0 })
      expect(await desk.list()).toMatchObject({ items: [], unread: 0, seq: 0 })
    })

    test('the same tag replaces in place: the id stays, the seq is new, and only the newest is in the log', async () => {
      const desk = await sit()
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
      const desk = await sit()
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
      const desk = await sit()
      const { id } = await desk.notify({ tag: 't' })
      await desk.inboxes.mark(desk.user, { ids: [id], state: 'read', value: true })
      await desk.notify({ tag: 't' })
      expect(await desk.list()).toMatchObject({ unread: 0, items: [{ readAt: expect.any(String) }] })
      await desk.notify({ tag: 't', renotify: true })
      expect(await desk.list()).toMatchObject({ unread: 1, unseen: 1, items: [{ readAt: undefined }] })
    })

    test('a task alerts when it begins and once when it is over, and is not set back by a late worker', async () => {
      const desk = await sit()
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
      const desk = await sit()
      await desk.notify({ title: 'first', tag: 't' })
      const second = await desk.notify({ title: 'second', tag: 't' }, 'k')
      await desk.notify({ title: 'third', tag: 't' })
      expect(await desk.notify({ title: 'second', tag: 't' }, 'k')).toEqual({ ...second, replayed: true })
      expect(await desk.titles()).toEqual(['third'])
    })

    test.each(['seen', 'read', 'archived'] as const)(
      '%s is published once with the counts, and can be taken back',
      async (state) => {
        const desk = await sit()
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
      const desk = await sit()
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
      const desk = await sit()
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
      const desk = await sit()
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

    test('what expires leaves the inbox, the log and the counts, and tabs hear of it within five seconds', async () => {
      const desk = await sit()
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
    })

    test('what is older than the retention ends as well, at the time that its tabs know', async () => {
      const desk = await sit(1000, 2)
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
    })

    test('many that end at the same time are gone at once', async () => {
      const desk = await sit()
      await Promise.all(upTo(250).map(() => desk.notify({ ttl: 2 })))
      await desk.notify({ title: 'stays' })
      const end = Date.now() + 2000
      while (Date.now() <= end) await delay(end + 1 - Date.now())
      expect(await desk.list()).toMatchObject({
        items: [{ content: expect.stringContaining('stays') }],
        unread: 1,
      })
    })

    test('one that has ended is in nobody’s way', async () => {
      const desk = await sit()
      const ended = { tag: 't', version: 10, ttl: 1, progress: { status: 'succeeded' } } as const
      const { id } = await desk.notify(ended)
      const item = await desk.inboxes.find(desk.user, id)
      const end = Date.parse(item!.expiresAt)
      while (Date.now() <= end) await delay(end + 1 - Date.now())
      const next = await desk.notify({ tag: 't', progress: { status: 'running' } })
      expect(next).toMatchObject({ upsert: { version: 1, created: true, applied: true } })
      expect(next.id).not.toBe(id)
    })

    test.each(['unread', 'unseen', 'first', 'renew', 'updated', 'constructor', '-', '.', ':', 'A-b:c.d_0'])(
      '%s is a tag like any other',
      async (tag) => {
        const desk = await sit()
        const { id } = await desk.notify({})
        const nothing = async (): Promise<void> => {
          expect(await desk.inboxes.find(desk.user, tag)).toBeUndefined()
          expect(await desk.list({ tag })).toMatchObject({ items: [], unread: 1 })
          expect(await desk.inboxes.withdraw(desk.user, tag)).toBe(false)
          expect(await desk.list()).toMatchObject({ items: [{ id }], unread: 1, unseen: 1 })
        }
        await nothing()
        const tagged = await desk.notify({ tag })
        expect(await desk.notify({ tag })).toMatchObject({ id: tagged.id, upsert: { version: 2 } })
        expect(await desk.inboxes.find(desk.user, tag)).toMatchObject({ id: tagged.id, tag })
        expect(await desk.list({ tag })).toMatchObject({ items: [{ id: tagged.id, tag }], unread: 2 })
        await desk.inboxes.mark(desk.user, { ids: [tagged.id], state: 'read', value: true })
        expect(await desk.list()).toMatchObject({ items: { length: 2 }, unread: 1 })
        expect(await desk.inboxes.withdraw(desk.user, tag)).toBe(true)
        await nothing()
        expect(await desk.notify({ tag })).toMatchObject({ upsert: { version: 1, created: true } })
      },
    )

    test.each([
      'order shipped now',
      'saved - =%zz',
      '-',
      '=',
      '=-',
      '%',
      '"\'\\',
      'App\\Events\\Größe 😀',
      ' \u0000\n',
    ])('%j is a type like any other', async (type) => {
      const desk = await sit()
      const other = { id: (await desk.notify({ tag: 'now', category: 'c' })).id, tag: 'now', category: 'c' }
      const { id } = await desk.notify({ type, tag: 't', category: type })
      expect(await desk.inboxes.find(desk.user, 't')).toMatchObject({ id, type, tag: 't', category: type })
      expect(await desk.notify({ type, tag: 't', category: type })).toMatchObject({
        id,
        upsert: { version: 2 },
      })
      for (const filter of [{ type }, { category: type }, { type, category: type }])
        expect(await desk.list(filter)).toMatchObject({ items: [{ id, type, tag: 't' }], complete: true })
      await desk.inboxes.mark(desk.user, { ids: [id], state: 'read', value: true })
      expect(await desk.list({ type })).toMatchObject({ items: [{ readAt: expect.any(String) }], unread: 1 })
      expect(await desk.inboxes.withdraw(desk.user, 't')).toBe(true)
      expect(await desk.list()).toMatchObject({ items: [{ ...other, type: 'message' }], unread: 1 })
      expect((await desk.list()).items).toHaveLength(1)
    })

    test('a version stays at the highest number that is exact', async () => {
      const desk = await sit()
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

    test('the first acknowledgement counts as the delivery', async () => {
      const desk = await sit()
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
      const desk = await sit()
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

    test.each([
      [4, 0],
      [5, 0],
      [6, 1],
    ])('of five that are kept and %i that were sent, %i are gone', async (count, gone) => {
      const desk = await sit(5)
      for (const number of upTo(count)) await desk.notify({ title: `${number}`, tag: `tag-${number}` })
      expect(await desk.titles()).toEqual(upTo(count).slice(gone).reverse().map(String))
      expect(await desk.list()).toMatchObject({ unread: count - gone, unseen: count - gone })
      expect(await desk.inboxes.find(desk.user, 'tag-1')).toEqual(gone === 0 ? expect.any(Object) : undefined)
    })

    test('marks push nothing out of it', async () => {
      const desk = await sit(20)
      await Promise.all(upTo(20).map((number) => desk.notify({ title: `${number}` })))
      for (let round = 0; round < 100; round++)
        await desk.inboxes.mark(desk.user, { state: 'read', value: round % 2 === 0 })
      expect(await desk.list()).toMatchObject({ items: { length: 20 }, unread: 20 })
    })
  })
}
