import { randomUUIDv7 } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { userChannel } from '../../../src/core/channel.ts'
import type { Engine } from '../../../src/core/engine.ts'
import { ServiceError } from '../../../src/core/errors.ts'
import { happenedTo } from '../../../src/core/happening.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inboxes.ts'
import type { NotificationInput } from '../../../src/core/notification.ts'
import { Publisher } from '../../../src/core/publisher.ts'
import { Scheduler } from '../../../src/core/scheduler.ts'
import type { TakenWatch, Watch, Watches } from '../../../src/core/watches.ts'
import type { WebhookInput } from '../../../src/core/webhook.ts'
import { until } from '../../support/until.ts'
import { type Court, upTo } from './court.ts'

const watchOf = (changes: Partial<Watch> = {}): Watch => ({
  ...{ id: randomUUIDv7(), user: 'ada "{}" 😀', tag: 't', version: 1, events: ['delivered', 'read'] },
  ...{ looks: 0, telling: [], failures: 0, retryAt: 0 },
  ...changes,
})

/** Longer ago than any other test's: it is alone there. */
let hour = 0
const someTime = (): number => {
  hour += 3_600_000
  return hour
}

const idsOf = (taken: readonly TakenWatch[]): string[] => taken.map(({ watch }) => watch.id)

/** What backends want to hear of. */
export function watchesLaw(court: Court): void {
  describe('the watches', () => {
    /** Ends everything that is due up to a time, so that the tests do not meet. */
    const clear = async ({ watches }: Engine, time: number): Promise<void> => {
      for (const taken of await watches.take(time, time + 1, 1000))
        await watches.settle(taken, undefined, time)
    }

    test('one comes when it is due, as it was put, and to one taker until its time with it is over', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const watch = watchOf({ url: 'https://example.com/?a=ü b', undeliveredAt: now + 5 })
      await watches.put(watch, now)
      expect(await watches.take(now - 1, now + 100, 10)).toEqual([])
      const taken = await Promise.all([1, 2, 3].map(() => watches.take(now, now + 100, 10)))
      expect(taken.flat().map((one) => one.watch)).toEqual([watch])
      expect(await watches.take(now + 99, now + 200, 10)).toEqual([])
      expect(idsOf(await watches.take(now + 100, now + 200, 10))).toEqual([watch.id])
      await clear(engine, now + 200)
    })

    test('the oldest come first, and so many as were asked for', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const put = [3, 1, 2].map((at) => ({ watch: watchOf(), at: now + at }))
      for (const { watch, at } of put) await watches.put(watch, at)
      const [third, first, second] = put.map(({ watch }) => watch.id)
      expect(idsOf(await watches.take(now + 9, now + 100, 2))).toEqual([first, second])
      expect(idsOf(await watches.take(now + 9, now + 100, 2))).toEqual([third])
      await clear(engine, now + 100)
    })

    test('what is given back is due at its new time with what was noted; what has ended never', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const watch = watchOf()
      await watches.put(watch, now)
      const [taken] = await watches.take(now, now + 100, 10)
      const noted: Watch = {
        ...watch,
        looks: 1,
        telling: [{ event: 'read', at: '2026-01-01T00:00:00.000Z' }],
      }
      expect(await watches.settle(taken!, { watch: noted, at: now + 50 }, now)).toBe(true)
      expect(await watches.take(now + 49, now + 100, 10)).toEqual([])
      const [again] = await watches.take(now + 50, now + 100, 10)
      expect(again!.watch).toEqual(noted)
      expect(await watches.settle(again!, undefined, now)).toBe(true)
      expect(await watches.take(now + 1000, now + 2000, 10)).toEqual([])
    })

    test('a taker whose time is over can not undo what the next one did', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const watch = watchOf()
      await watches.put(watch, now)
      const [late] = await watches.take(now, now + 10, 10)
      const [next] = await watches.take(now + 10, now + 20, 10)
      const back = { watch: { ...watch, looks: 7 }, at: now + 15 }
      expect(await watches.settle(late!, back, now)).toBe(false)
      expect(await watches.settle(next!, undefined, now)).toBe(true)
      expect(await watches.settle(late!, back, now)).toBe(false)
      expect(await watches.take(now + 100, now + 200, 10)).toEqual([])
    })

    test('a higher version takes the place of the one before, also while that is taken; no other does', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const watch = watchOf({ version: 5 })
      await watches.put(watch, now)
      const [taken] = await watches.take(now, now + 100, 10)
      for (const version of [4, 5]) await watches.put({ ...watch, version, looks: 9 }, now)
      expect(await watches.take(now, now + 100, 10)).toEqual([])
      await watches.put({ ...watch, version: 6 }, now)
      expect(await watches.settle(taken!, undefined, now)).toBe(false)
      expect((await watches.take(now, now + 100, 10)).map((one) => one.watch)).toEqual([
        { ...watch, version: 6 },
      ])
      await clear(engine, now + 100)
    })

    test('what a replaced one has to tell is told beside the new one, also while it is taken', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const telling: Watch['telling'] = [{ event: 'delivered', at: '2026-01-01T00:00:00.000Z' }]
      const first = watchOf({ url: 'https://one.example/', telling, failures: 1, retryAt: now + 50 })
      const { id } = first
      const second = { ...first, version: 2, url: 'https://two.example/' }
      const third = watchOf({ id, version: 3 })
      await watches.put(first, now + 50)
      await watches.put(second, now + 50)
      const before = await watches.take(now + 50, now + 100, 10)
      await watches.put(third, now + 50)
      const versionsOf = (taken: readonly TakenWatch[]): number[] =>
        taken.map(({ watch }) => watch.version).sort()
      expect(versionsOf(before)).toEqual([1, 2])
      expect(before.map((one) => one.watch)).toEqual(expect.arrayContaining([first, second]))
      const [one, two] = before.sort((a, b) => a.watch.version - b.watch.version)
      const failed = { ...first, failures: 2, retryAt: now + 70 }
      expect(await watches.settle(one!, { watch: failed, at: now + 70 }, now + 51)).toBe(true)
      expect(await watches.settle(two!, undefined, now + 51)).toBe(true)
      await watches.hasten([id], now + 60)
      expect((await watches.take(now + 69, now + 100, 10)).map((taken) => taken.watch)).toEqual([third])
      const [again] = await watches.take(now + 70, now + 100, 10)
      expect(again!.watch).toEqual(failed)
      expect(await watches.settle(again!, undefined, now + 71)).toBe(true)
      expect(versionsOf(await watches.take(now + 1000, now + 2000, 10))).toEqual([3])
      await clear(engine, now + 2000)
    })

    test('a hastened one is due at once; one that is taken, when it is given back; one that is not there, never', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const watch = watchOf()
      await watches.put(watch, now + 500)
      await watches.hasten([...upTo(1000).map(() => randomUUIDv7()), watch.id], now)
      const [taken] = await watches.take(now, now + 100, 10)
      expect(taken!.watch).toEqual(watch)
      await watches.hasten([watch.id], now + 1)
      expect(await watches.take(now + 1, now + 100, 10)).toEqual([])
      await watches.settle(taken!, { watch, at: now + 500 }, now + 2)
      const [again] = await watches.take(now + 2, now + 100, 10)
      expect(again!.watch).toEqual(watch)
      // It was hastened once, and that is over.
      await watches.settle(again!, { watch, at: now + 500 }, now + 3)
      expect(await watches.take(now + 499, now + 600, 10)).toEqual([])
      await clear(engine, now + 500)
    })

    test('when it was delivered is noted, the first time of several, also if its taker dies', async () => {
      const engine = await court.open()
      const { watches } = engine
      const now = someTime()
      const [watch, due, other] = [watchOf(), watchOf(), watchOf()]
      await watches.put(watch, now + 500)
      await watches.put(due, now)
      await watches.put(other, now + 500)
      const [first, second] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']
      await watches.hasten([other.id], now)
      for (const deliveredAt of [first, second])
        await watches.hasten([watch.id, due.id, randomUUIDv7()], now, deliveredAt)
      await watches.take(now, now + 50, 10)
      await watches.hasten([other.id], now, first)
      const taken = await watches.take(now + 50, now + 100, 10)
      const expected = [
        { ...watch, deliveredAt: first },
        { ...due, deliveredAt: first },
        { ...other, deliveredAt: first },
      ]
      const byId = (a: Watch, b: Watch): number => a.id.localeCompare(b.id)
      expect(taken.map((one) => one.watch).sort(byId)).toEqual(expected.sort(byId))
      await clear(engine, now + 100)
    })

    test('what a tab had and its user removed at once was delivered', async () => {
      const engine = await court.open()
      const inboxes = new Inboxes(engine)
      const user = randomUUIDv7()
      const webhook: WebhookInput = { events: ['delivered', 'undelivered'], undeliveredAfter: 60 }
      const notify = async (title: string): Promise<string> =>
        (await new Publisher(engine).notify(user, { title, webhook }, { credential: 'test' })).id
      const acknowledged = await notify('A')
      await inboxes.acknowledge(user, 1)
      const [seen, archived] = [await notify('B'), await notify('C')]
      await inboxes.mark(user, { ids: [seen], state: 'seen', value: true })
      await inboxes.mark(user, { ids: [archived], state: 'archived', value: true })
      const at = new Map<string, string | undefined>()
      for (const id of [acknowledged, seen, archived]) {
        const item = await inboxes.find(user, id)
        at.set(id, item?.deliveredAt ?? item?.seenAt)
        await inboxes.withdraw(user, id)
      }
      const taken = await engine.watches.take(Date.now(), Date.now() + 60_000, 10)
      const told = new Map(
        taken.map(({ watch }) => [watch.id, happenedTo(undefined, watch, Date.now()).happened]),
      )
      for (const id of [acknowledged, seen])
        expect(told.get(id)).toEqual([{ event: 'delivered', at: at.get(id) }])
      expect(told.get(archived)).toMatchObject([{ event: 'undelivered', reason: 'removed' }])
      await clear(engine, Date.now() + 120_000)
    })

    test('a notification is watched from its publish on, and each thing that a tab or the backend does to it lets it be looked at', async () => {
      const engine = await court.open()
      const { watches, inbox } = engine
      const user = randomUUIDv7()
      const publisher = new Publisher(engine)
      const inboxes = new Inboxes(engine)
      const isHastened = async (id: string): Promise<boolean> => {
        const [taken] = await watches.take(Date.now(), Date.now() + 60_000, 1000)
        if (taken === undefined) return false
        expect(taken.watch.id).toBe(id)
        return watches.settle(taken, { watch: taken.watch, at: Date.now() + 60_000 }, Date.now())
      }
      const webhook: WebhookInput = { events: ['delivered', 'undelivered'], undeliveredAfter: 60 }
      const before = Date.now()
      const { id } = await publisher.notify(user, { title: 'A', tag: 't', webhook }, { credential: 'test' })
      const other = await publisher.notify(user, { title: 'B' }, { credential: 'test' })
      // The first look does not wait for anything.
      const [taken] = await watches.take(before + 5000, before + 60_000, 1000)
      expect(taken!.watch).toMatchObject({ id, user, tag: 't', version: 1, events: webhook.events, looks: 0 })
      expect(taken!.watch.undeliveredAt! - before).toBeGreaterThanOrEqual(60_000)
      expect(taken!.watch.undeliveredAt! - before).toBeLessThan(62_000)
      const later = { watch: taken!.watch, at: Date.now() + 60_000 }
      await watches.settle(taken!, later, Date.now())
      await inboxes.mark(user, { ids: [other.id], state: 'read', value: true })
      expect(await isHastened(id)).toBe(false)
      for (const state of ['seen', 'read', 'archived'] as const) {
        await inboxes.mark(user, { ids: [id, other.id], state, value: true })
        expect(await isHastened(id)).toBe(true)
      }
      await inboxes.acknowledge(user, 1)
      expect(await isHastened(id)).toBe(true)
      await inboxes.acknowledge(user, 1)
      await inboxes.withdraw(user, other.id)
      expect(await isHastened(id)).toBe(false)
      expect(await inboxes.withdraw(user, 't')).toBe(true)
      expect(await isHastened(id)).toBe(true)
      expect(await inbox.find(userChannel(user), id)).toBeUndefined()
      await clear(engine, Date.now() + 120_000)
    })

    test.each(['publisher', 'scheduler'])(
      'whoever dies between the publish and the watch has not ended it: the %s that tries again puts the watch',
      async (who) => {
        const engine = await court.open()
        const { broker, inbox, schedule, watches } = engine
        const user = randomUUIDv7()
        let failures = 0
        const failing = Object.assign(Object.create(watches), {
          put: async (...args: Parameters<Watches['put']>) => {
            if (failures++ === 0) throw new ServiceError('engine_unavailable', 'it died')
            return watches.put(...args)
          },
        })
        const parts = { broker, inbox, schedule, watches: failing }
        const webhook: WebhookInput = { events: ['read'] }
        const options = { credential: 'test', idempotencyKey: 'k' }
        if (who === 'publisher') {
          const notify = () => new Publisher(parts).notify(user, { title: 'A', webhook }, options)
          await expect(notify()).rejects.toMatchObject({ temporary: true })
          expect(await notify()).toMatchObject({ replayed: true })
        } else {
          const scheduler = new Scheduler(parts, new Inboxes(engine), (error) => court.reported.push(error))
          await new Publisher(parts).schedule(user, { title: 'A', webhook }, Date.now() - 1, options)
          scheduler.start()
          await until(async () => (await schedule.due(Date.now(), 10)).length === 0, 5000)
          await scheduler.stop()
        }
        const { items } = await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 10 })
        const taken = await watches.take(Date.now() + 5000, Date.now() + 60_000, 10)
        expect(taken.map(({ watch }) => [watch.id, watch.version])).toEqual(items.map(({ id }) => [id, 1]))
        expect(failures).toBe(2)
        await clear(engine, Date.now() + 120_000)
      },
    )

    test('of many users each is watched', async () => {
      const engine = await court.open()
      const users = upTo(20).map(() => randomUUIDv7())
      const input: NotificationInput = { title: 'A', webhook: { events: ['read'] } }
      const settled = await new Publisher(engine).notifyMany(users, input, { credential: 'test' })
      const ids = settled.map((one) => (one.status === 'fulfilled' ? one.value.id : undefined))
      const taken = await engine.watches.take(Date.now() + 5000, Date.now() + 60_000, 100)
      const wanted = users.map((user, index) => [user, ids[index]])
      expect(taken.map(({ watch }) => [watch.user, watch.id]).sort()).toEqual(wanted.sort())
      const inboxes = new Inboxes(engine)
      await Promise.all(users.map((user) => inboxes.acknowledge(user, 1)))
      // They are taken, and come back at once when they are given back: each was hastened.
      for (const one of taken)
        await engine.watches.settle(one, { watch: one.watch, at: Date.now() + 60_000 }, Date.now())
      expect(await engine.watches.take(Date.now(), Date.now() + 60_000, 100)).toHaveLength(20)
      await clear(engine, Date.now() + 120_000)
    })

    test('an update that is dropped does not end what is watched of the stored one', async () => {
      const engine = await court.open()
      const publisher = new Publisher(engine)
      const send = (version: number, webhook: WebhookInput) =>
        publisher.notify('ada', { title: 'A', tag: 'late', version, webhook }, { credential: 'test' })
      const { id } = await send(7, { events: ['delivered'] })
      expect(await send(6, { events: ['read'] })).toMatchObject({ place: { applied: false } })
      const taken = await engine.watches.take(Date.now() + 5000, Date.now() + 60_000, 10)
      expect(taken.map((one) => one.watch)).toMatchObject([{ id, version: 7, events: ['delivered'] }])
      await clear(engine, Date.now() + 120_000)
    })

    if (court.features.shared)
      test('two engines share them, and each is taken once', async () => {
        const engines = [await court.open(), await court.open()]
        const now = someTime()
        const put = Array.from({ length: 100 }, () => watchOf())
        await Promise.all(put.map((watch, index) => engines[index % 2]!.watches.put(watch, now)))
        const taken = await Promise.all(
          Array.from({ length: 20 }, (_, index) => engines[index % 2]!.watches.take(now, now + 100, 10)),
        )
        expect(idsOf(taken.flat()).sort()).toEqual(put.map(({ id }) => id).sort())
        await clear(engines[0]!, now + 100)
      })

    if (court.features.restart)
      test('what was put and what was taken survives a restart of the store', async () => {
        const engine = await court.open()
        const now = someTime()
        const watch = watchOf()
        await engine.watches.put(watch, now)
        const [taken] = await engine.watches.take(now, now + 10, 10)
        const back = court.adopt(await court.store.restart!(engine))
        expect(await back.watches.settle(taken!, { watch, at: now + 5 }, now)).toBe(true)
        expect(idsOf(await back.watches.take(now + 5, now + 100, 10))).toEqual([watch.id])
        await clear(back, now + 100)
      })
  })
}
