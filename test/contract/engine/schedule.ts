import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { IDEMPOTENCY_SECONDS } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { MAX_AHEAD } from '../../../src/core/engine/schedule.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { Scheduler } from '../../../src/core/publishing/scheduler.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { until } from '../../support/until.ts'
import { ALL, type Harness } from './harness.ts'

const OPTIONS = { credential: 'test' }

/** The schedule: what waits for its time. */
export function scheduleLaw(harness: Harness): void {
  describe('the schedule', () => {
    const schedulers: Scheduler[] = []
    afterEach(() => Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop())))

    const begin = (engine: Engine): Scheduler => {
      const scheduler = new Scheduler(engine, new Inboxes(engine), (error) => harness.reported.push(error))
      schedulers.push(scheduler)
      return scheduler
    }

    harness.longTest(
      'each comes once, none early and none more than two seconds late, with the time at which it was shown',
      async () => {
        const engine = await harness.open()
        const user = randomUUID()
        const recorder = new TopicRecorder()
        await engine.broker.subscribe(userChannel(user), recorder.hear)
        const scheduler = begin(engine)
        const at = Date.now() + 1500
        const ids = await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const { id } = await new Publisher(engine).schedule(
              user,
              { title: `${index}`, ttl: 60 },
              at,
              OPTIONS,
            )
            return id
          }),
        )
        // Several look for it, as several processes do.
        for (const one of [scheduler, begin(engine), begin(engine)]) one.start()
        await recorder.hasHeard(20)
        expect(Date.now()).toBeGreaterThanOrEqual(at)
        expect(Date.now()).toBeLessThan(at + 2400)
        expect(recorder.heard.map(({ id }) => id).sort()).toEqual(ids.sort())
        for (const publication of recorder.heard) {
          const { createdAt, expiresAt } = payloadOf(publication) as { createdAt: string; expiresAt: string }
          expect(Date.parse(createdAt)).toBeGreaterThanOrEqual(at)
          expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(60_000)
        }
        for (const one of schedulers) await one.stop()
        expect(await engine.schedule.due(Date.now(), 100)).toEqual([])
        expect((await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 50 })).items).toHaveLength(20)
      },
    )

    harness.longTest(
      'what can never be published is reported and given up, and stands in the way of nothing',
      async () => {
        const engine = await harness.open()
        const user = randomUUID()
        const channel = userChannel(user)
        const scheduler = begin(engine)
        const at = Date.now() + 300
        const { id } = await new Publisher(engine).schedule(user, { title: 'never' }, at, OPTIONS)
        await new Publisher(engine).schedule(user, { title: 'still' }, at, OPTIONS)
        // Somebody has used the key under which it is to be published.
        const idempotency = { key: `scheduled ${id}`, fingerprint: 'another' }
        await engine.broker.publish({ ...draftOf(channel, 'another'), idempotency })
        scheduler.start()
        const recorder = new TopicRecorder()
        await engine.broker.subscribe(channel, recorder.hear)
        await recorder.hasHeard(1)
        expect(payloadOf(recorder.heard[0]!)).toMatchObject({ title: 'still' })
        await until(async () => harness.reported.length > 0, 5000)
        expect(harness.reported.splice(0)).toMatchObject([{ code: 'idempotency_conflict' }])
        await until(async () => (await scheduler.find(user, id)) === undefined, 5000)
      },
    )

    harness.longTest(
      'what was published but not concluded is not published again when its key has been forgotten',
      async () => {
        const engine = await harness.open()
        const user = randomUUID()
        const scheduler = begin(engine)
        const at = Date.now() - (IDEMPOTENCY_SECONDS + 1) * 1000
        const { id } = await new Publisher(engine).schedule(user, { title: 'once' }, at, OPTIONS)
        const { draft } = (await scheduler.find(user, id))!
        await engine.broker.publish(draft)
        scheduler.start()
        await until(async () => (await scheduler.find(user, id)) === undefined, 5000)
        expect((await engine.broker.since(userChannel(user), { seq: 0 }, ALL)).publications).toHaveLength(1)
        expect(await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 50 })).toMatchObject({
          items: [{ id, version: 1 }],
          unread: 1,
        })
      },
    )

    test('nothing is in the inbox before; it is found by its id and tag, and can be cancelled', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const scheduler = begin(engine)
      const at = Date.now() + 60_000
      const { id } = await new Publisher(engine).schedule(user, { title: 'A', tag: 't' }, at, OPTIONS)
      const other = await new Publisher(engine).schedule(user, { title: 'B' }, at, OPTIONS)
      expect(await scheduler.find(user, 't')).toMatchObject({ at, draft: { id } })
      expect(await scheduler.find(user, id)).toMatchObject({ at, draft: { id } })
      expect(await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 50 })).toMatchObject({
        items: [],
        unread: 0,
      })
      expect(await scheduler.cancel(user, 't')).toBe(true)
      expect(await scheduler.cancel(user, id)).toBe(false)
      expect((await engine.schedule.due(at, 1000)).map(({ draft }) => draft.id)).toContain(other.id)
      expect((await engine.schedule.due(at, 1000)).map(({ draft }) => draft.id)).not.toContain(id)
      expect(await scheduler.cancel(user, other.id)).toBe(true)
    })

    test('the same key schedules once, and another body or time under it is a conflict', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const scheduler = begin(engine)
      const at = Date.now() + 60_000
      const add = (title: string, when = at) =>
        new Publisher(engine).schedule(user, { title }, when, { ...OPTIONS, idempotencyKey: 'k' })
      const first = await add('A')
      expect(first.replayed).toBe(false)
      expect(await add('A')).toEqual({ ...first, replayed: true })
      await expect(add('B')).rejects.toMatchObject({ code: 'idempotency_conflict' })
      await expect(add('A', at + 1)).rejects.toMatchObject({ code: 'idempotency_conflict' })
      expect(await scheduler.cancel(user, first.id)).toBe(true)
    })

    test('a publish under the key and the time of one that was kept is its repetition, before and after it is shown', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const scheduler = begin(engine)
      const publisher = new Publisher(engine)
      const at = Date.now() - 1
      const options = { ...OPTIONS, idempotencyKey: 'k' }
      const { id } = await new Publisher(engine).schedule(user, { title: 'A' }, at, options)
      const recorder = new TopicRecorder()
      await engine.broker.subscribe(userChannel(user), recorder.hear)
      const repeat = (sendAt?: number) => publisher.notify(user, { title: 'A' }, { ...options, sendAt })
      const isRefused = async (sendAt?: number) =>
        expect(repeat(sendAt)).rejects.toMatchObject({ code: 'idempotency_conflict' })
      expect(await repeat(at)).toMatchObject({ id, seq: 0, replayed: true })
      scheduler.start()
      await recorder.hasHeard(1)
      await scheduler.stop()
      expect(await repeat(at)).toMatchObject({ id, seq: 0, replayed: true })
      await isRefused(at - 1)
      await isRefused()
      expect(recorder.heard.map(({ id }) => id)).toEqual([id])
    })

    test('calls that keep nothing hold up nothing: neither repetitions nor those with another body', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const scheduler = begin(engine)
      // Nothing else is as early as this.
      const at = 1_000_000
      const add = (title: string, when: number, idempotencyKey: string) =>
        new Publisher(engine).schedule(user, { title }, when, { ...OPTIONS, idempotencyKey })
      const first = await add('A', at, 'k')
      for (let times = 0; times < 3; times++) {
        expect(await add('A', at, 'k')).toEqual({ ...first, replayed: true })
        await expect(add('B', at, 'k')).rejects.toMatchObject({ code: 'idempotency_conflict' })
      }
      const later = await add('B', at + 1, 'l')
      const last = await add('C', at + 2, 'm')
      const due = async (limit: number) =>
        (await engine.schedule.due(at + 2, limit)).map(({ draft }) => draft.id)
      expect(await due(2)).toEqual([first.id, later.id])
      expect(await due(3)).toEqual([first.id, later.id, last.id])
      for (const { id } of [first, later, last]) expect(await scheduler.cancel(user, id)).toBe(true)
    })

    harness.longTest(
      'what was cancelled between the look and the publish is shown to nobody for long',
      async () => {
        const engine = await harness.open()
        const user = randomUUID()
        const scheduler = begin(engine)
        const { id } = await new Publisher(engine).schedule(user, { title: 'A' }, Date.now() - 1, OPTIONS)
        const { broker } = engine
        const racing = new Scheduler(
          {
            schedule: engine.schedule,
            webhookQueue: engine.webhookQueue,
            broker: Object.assign(Object.create(broker), {
              publish: async (draft: Parameters<typeof broker.publish>[0]) => {
                await scheduler.cancel(user, id)
                return broker.publish(draft)
              },
            }),
          },
          new Inboxes(engine),
          (error) => harness.reported.push(error),
        )
        schedulers.push(racing)
        const recorder = new TopicRecorder()
        await broker.subscribe(userChannel(user), recorder.hear)
        racing.start()
        await recorder.hasHeard(2)
        expect(recorder.heard.map(({ event }) => event)).toEqual(['notification', 'removed'])
        expect((await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 50 })).items).toEqual([])
      },
    )

    test.each<[string, { before?: { version?: number }; after?: boolean; left: string }]>([
      ['by which it was dropped', { before: { version: 9 }, left: 'before' }],
      ['that it replaced', { before: {}, left: 'scheduled' }],
      ['that replaced it', { after: true, left: 'after' }],
    ])(
      'what was cancelled between the look and the publish takes no other with it: one %s',
      async (_, given) => {
        const { before, after, left } = given
        const engine = await harness.open()
        const user = randomUUID()
        const { broker, schedule } = engine
        const notify = (title: string, version?: number) => {
          const input = { title, tag: 't', ...(version === undefined ? {} : { version }) }
          return new Publisher(engine).notify(user, input, OPTIONS)
        }
        let isPublished = false
        const scheduler = begin({
          ...engine,
          broker: Object.assign(Object.create(broker), {
            publish: async (draft: Parameters<typeof broker.publish>[0]) => {
              await schedule.cancel(draft.channel, draft.id)
              const published = await broker.publish(draft)
              if (after) await notify('after')
              isPublished = true
              return published
            },
          }),
        })
        if (before !== undefined) await notify('before', before.version)
        const version = before?.version === undefined ? {} : { version: before.version - 1 }
        await new Publisher(engine).schedule(
          user,
          { title: 'scheduled', tag: 't', ...version },
          Date.now() - 1,
          OPTIONS,
        )
        scheduler.start()
        await until(async () => isPublished, 5000)
        await scheduler.stop()
        const { items } = await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 5 })
        expect(items.map(({ content }) => JSON.parse(`{${content}}`).title)).toEqual([left])
      },
    )

    test('of two processes that publish it at once, neither takes it back', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const { broker, schedule } = engine
      const slow = begin({
        ...engine,
        broker: Object.assign(Object.create(broker), {
          publish: async (draft: Parameters<typeof broker.publish>[0]) => {
            const published = await broker.publish(draft)
            // Meanwhile another one does all of it.
            await broker.publish(draft)
            expect(await schedule.conclude(draft.channel, draft.id)).toBe(false)
            return published
          },
        }),
      })
      const { id } = await new Publisher(engine).schedule(user, { title: 'A' }, Date.now() - 1, OPTIONS)
      const recorder = new TopicRecorder()
      await broker.subscribe(userChannel(user), recorder.hear)
      slow.start()
      await recorder.hasHeard(1)
      await slow.stop()
      const { items } = await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 50 })
      expect(items).toMatchObject([{ id }])
      expect(recorder.heard).toHaveLength(1)
    })

    test('what cannot be scheduled is refused: beyond a year, and what is ephemeral', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const scheduler = begin(engine)
      const add = (at: number, ttl?: number) =>
        new Publisher(engine).schedule(
          user,
          ttl === undefined ? { title: 'A' } : { title: 'A', ttl },
          at,
          OPTIONS,
        )
      await expect(add(Date.now() + MAX_AHEAD + 5000)).rejects.toMatchObject({ code: 'invalid_request' })
      await expect(add(Date.now() + 1000, 0)).rejects.toMatchObject({ code: 'invalid_request' })
      const { id } = await add(Date.now() + MAX_AHEAD - 5000)
      expect(await scheduler.cancel(user, id)).toBe(true)
    })
  })
}
