import { randomUUIDv7 } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { deliveryEventsOf } from '../../../src/core/engine/delivery-event.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import type { PendingWebhook, TakenWebhook, WebhookQueue } from '../../../src/core/engine/webhook-queue.ts'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { ServiceError } from '../../../src/core/model/errors.ts'
import type { NotificationInput } from '../../../src/core/model/notification.ts'
import type { WebhookInput } from '../../../src/core/model/webhook.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { Scheduler } from '../../../src/core/publishing/scheduler.ts'
import { until } from '../../support/until.ts'
import { type Harness, upTo } from './harness.ts'

const pendingWebhookOf = (changes: Partial<PendingWebhook> = {}): PendingWebhook => ({
  ...{ id: randomUUIDv7(), user: 'ada "{}" 😀', tag: 't', version: 1, events: ['delivered', 'read'] },
  ...{ looks: 0, unsent: [], failures: 0, retryAt: 0 },
  ...changes,
})

/** Longer ago than any other test's: it is alone there. */
let hour = 0
const someTime = (): number => {
  hour += 3_600_000
  return hour
}

const idsOf = (taken: readonly TakenWebhook[]): string[] => taken.map(({ webhook }) => webhook.id)

/** The queue of pending webhooks. */
export function webhookQueueLaw(harness: Harness): void {
  describe('the webhook queue', () => {
    /** Ends everything that is due up to a time, so that the tests do not meet. */
    const clear = async ({ webhookQueue }: Engine, time: number): Promise<void> => {
      for (const taken of await webhookQueue.take(time, time + 1, 1000))
        await webhookQueue.giveBack(taken, undefined, time)
    }

    test('one comes when it is due, as it was put, and to one taker until its time with it is over', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const webhook = pendingWebhookOf({ url: 'https://example.com/?a=ü b', undeliveredAt: now + 5 })
      await webhookQueue.put(webhook, now)
      expect(await webhookQueue.take(now - 1, now + 100, 10)).toEqual([])
      const taken = await Promise.all([1, 2, 3].map(() => webhookQueue.take(now, now + 100, 10)))
      expect(taken.flat().map((one) => one.webhook)).toEqual([webhook])
      expect(await webhookQueue.take(now + 99, now + 200, 10)).toEqual([])
      expect(idsOf(await webhookQueue.take(now + 100, now + 200, 10))).toEqual([webhook.id])
      await clear(engine, now + 200)
    })

    test('the oldest come first, and so many as were asked for', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const put = [3, 1, 2].map((at) => ({ webhook: pendingWebhookOf(), at: now + at }))
      for (const { webhook, at } of put) await webhookQueue.put(webhook, at)
      const [third, first, second] = put.map(({ webhook }) => webhook.id)
      expect(idsOf(await webhookQueue.take(now + 9, now + 100, 2))).toEqual([first, second])
      expect(idsOf(await webhookQueue.take(now + 9, now + 100, 2))).toEqual([third])
      await clear(engine, now + 100)
    })

    test('what is given back is due at its new time with what was noted; what has ended never', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const webhook = pendingWebhookOf()
      await webhookQueue.put(webhook, now)
      const [taken] = await webhookQueue.take(now, now + 100, 10)
      const noted: PendingWebhook = {
        ...webhook,
        looks: 1,
        unsent: [{ event: 'read', at: '2026-01-01T00:00:00.000Z' }],
      }
      expect(await webhookQueue.giveBack(taken!, { webhook: noted, at: now + 50 }, now)).toBe(true)
      expect(await webhookQueue.take(now + 49, now + 100, 10)).toEqual([])
      const [again] = await webhookQueue.take(now + 50, now + 100, 10)
      expect(again!.webhook).toEqual(noted)
      expect(await webhookQueue.giveBack(again!, undefined, now)).toBe(true)
      expect(await webhookQueue.take(now + 1000, now + 2000, 10)).toEqual([])
    })

    test('a taker whose time is over cannot undo what the next one did', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const webhook = pendingWebhookOf()
      await webhookQueue.put(webhook, now)
      const [late] = await webhookQueue.take(now, now + 10, 10)
      const [next] = await webhookQueue.take(now + 10, now + 20, 10)
      const back = { webhook: { ...webhook, looks: 7 }, at: now + 15 }
      expect(await webhookQueue.giveBack(late!, back, now)).toBe(false)
      expect(await webhookQueue.giveBack(next!, undefined, now)).toBe(true)
      expect(await webhookQueue.giveBack(late!, back, now)).toBe(false)
      expect(await webhookQueue.take(now + 100, now + 200, 10)).toEqual([])
    })

    test('a higher version replaces the one before, also while that is taken; no other does', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const webhook = pendingWebhookOf({ version: 5 })
      await webhookQueue.put(webhook, now)
      const [taken] = await webhookQueue.take(now, now + 100, 10)
      for (const version of [4, 5]) await webhookQueue.put({ ...webhook, version, looks: 9 }, now)
      expect(await webhookQueue.take(now, now + 100, 10)).toEqual([])
      await webhookQueue.put({ ...webhook, version: 6 }, now)
      expect(await webhookQueue.giveBack(taken!, undefined, now)).toBe(false)
      expect((await webhookQueue.take(now, now + 100, 10)).map((one) => one.webhook)).toEqual([
        { ...webhook, version: 6 },
      ])
      await clear(engine, now + 100)
    })

    test('what a replaced one has still to send is sent beside the new one, also while it is taken', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const unsent: PendingWebhook['unsent'] = [{ event: 'delivered', at: '2026-01-01T00:00:00.000Z' }]
      const first = pendingWebhookOf({ url: 'https://one.example/', unsent, failures: 1, retryAt: now + 50 })
      const { id } = first
      const second = { ...first, version: 2, url: 'https://two.example/' }
      const third = pendingWebhookOf({ id, version: 3 })
      await webhookQueue.put(first, now + 50)
      await webhookQueue.put(second, now + 50)
      const before = await webhookQueue.take(now + 50, now + 100, 10)
      await webhookQueue.put(third, now + 50)
      const versionsOf = (taken: readonly TakenWebhook[]): number[] =>
        taken.map(({ webhook }) => webhook.version).sort()
      expect(versionsOf(before)).toEqual([1, 2])
      expect(before.map((one) => one.webhook)).toEqual(expect.arrayContaining([first, second]))
      const [one, two] = before.sort((a, b) => a.webhook.version - b.webhook.version)
      const failed = { ...first, failures: 2, retryAt: now + 70 }
      expect(await webhookQueue.giveBack(one!, { webhook: failed, at: now + 70 }, now + 51)).toBe(true)
      expect(await webhookQueue.giveBack(two!, undefined, now + 51)).toBe(true)
      await webhookQueue.hasten([id], now + 60)
      expect((await webhookQueue.take(now + 69, now + 100, 10)).map((taken) => taken.webhook)).toEqual([
        third,
      ])
      const [again] = await webhookQueue.take(now + 70, now + 100, 10)
      expect(again!.webhook).toEqual(failed)
      expect(await webhookQueue.giveBack(again!, undefined, now + 71)).toBe(true)
      expect(versionsOf(await webhookQueue.take(now + 1000, now + 2000, 10))).toEqual([3])
      await clear(engine, now + 2000)
    })

    test('a hastened one is due at once; one that is taken, when it is given back; one that is not there, never', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const webhook = pendingWebhookOf()
      await webhookQueue.put(webhook, now + 500)
      await webhookQueue.hasten([...upTo(1000).map(() => randomUUIDv7()), webhook.id], now)
      const [taken] = await webhookQueue.take(now, now + 100, 10)
      expect(taken!.webhook).toEqual(webhook)
      await webhookQueue.hasten([webhook.id], now + 1)
      expect(await webhookQueue.take(now + 1, now + 100, 10)).toEqual([])
      await webhookQueue.giveBack(taken!, { webhook, at: now + 500 }, now + 2)
      const [again] = await webhookQueue.take(now + 2, now + 100, 10)
      expect(again!.webhook).toEqual(webhook)
      // It was hastened once, and that is over.
      await webhookQueue.giveBack(again!, { webhook, at: now + 500 }, now + 3)
      expect(await webhookQueue.take(now + 499, now + 600, 10)).toEqual([])
      await clear(engine, now + 500)
    })

    test('when it was delivered is noted, the first time of several, also if its taker dies', async () => {
      const engine = await harness.open()
      const { webhookQueue } = engine
      const now = someTime()
      const [webhook, due, other] = [pendingWebhookOf(), pendingWebhookOf(), pendingWebhookOf()]
      await webhookQueue.put(webhook, now + 500)
      await webhookQueue.put(due, now)
      await webhookQueue.put(other, now + 500)
      const [first, second] = ['2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z']
      await webhookQueue.hasten([other.id], now)
      for (const deliveredAt of [first, second])
        await webhookQueue.hasten([webhook.id, due.id, randomUUIDv7()], now, deliveredAt)
      await webhookQueue.take(now, now + 50, 10)
      await webhookQueue.hasten([other.id], now, first)
      const taken = await webhookQueue.take(now + 50, now + 100, 10)
      const expected = [
        { ...webhook, deliveredAt: first },
        { ...due, deliveredAt: first },
        { ...other, deliveredAt: first },
      ]
      const byId = (a: PendingWebhook, b: PendingWebhook): number => a.id.localeCompare(b.id)
      expect(taken.map((one) => one.webhook).sort(byId)).toEqual(expected.sort(byId))
      await clear(engine, now + 100)
    })

    test('what a tab had and its user removed at once was delivered', async () => {
      const engine = await harness.open()
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
      const taken = await engine.webhookQueue.take(Date.now(), Date.now() + 60_000, 10)
      const told = new Map(
        taken.map(({ webhook }) => [webhook.id, deliveryEventsOf(undefined, webhook, Date.now()).happened]),
      )
      for (const id of [acknowledged, seen])
        expect(told.get(id)).toEqual([{ event: 'delivered', at: at.get(id) }])
      expect(told.get(archived)).toMatchObject([{ event: 'undelivered', reason: 'removed' }])
      await clear(engine, Date.now() + 120_000)
    })

    test('a notification has a pending webhook from its publish on, and whatever a tab or the backend does to it makes it due', async () => {
      const engine = await harness.open()
      const { webhookQueue, inbox } = engine
      const user = randomUUIDv7()
      const publisher = new Publisher(engine)
      const inboxes = new Inboxes(engine)
      const isHastened = async (id: string): Promise<boolean> => {
        const [taken] = await webhookQueue.take(Date.now(), Date.now() + 60_000, 1000)
        if (taken === undefined) return false
        expect(taken.webhook.id).toBe(id)
        return webhookQueue.giveBack(taken, { webhook: taken.webhook, at: Date.now() + 60_000 }, Date.now())
      }
      const webhook: WebhookInput = { events: ['delivered', 'undelivered'], undeliveredAfter: 60 }
      const before = Date.now()
      const { id } = await publisher.notify(user, { title: 'A', tag: 't', webhook }, { credential: 'test' })
      const other = await publisher.notify(user, { title: 'B' }, { credential: 'test' })
      // The first look does not wait for anything.
      const [taken] = await webhookQueue.take(before + 5000, before + 60_000, 1000)
      expect(taken!.webhook).toMatchObject({
        id,
        user,
        tag: 't',
        version: 1,
        events: webhook.events,
        looks: 0,
      })
      expect(taken!.webhook.undeliveredAt! - before).toBeGreaterThanOrEqual(60_000)
      expect(taken!.webhook.undeliveredAt! - before).toBeLessThan(62_000)
      const later = { webhook: taken!.webhook, at: Date.now() + 60_000 }
      await webhookQueue.giveBack(taken!, later, Date.now())
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
      'whoever dies between the publish and the webhook has not ended it: the %s that tries again puts the webhook',
      async (who) => {
        const engine = await harness.open()
        const { broker, inbox, schedule, webhookQueue } = engine
        const user = randomUUIDv7()
        let failures = 0
        const failing = Object.assign(Object.create(webhookQueue), {
          put: async (...args: Parameters<WebhookQueue['put']>) => {
            if (failures++ === 0) throw new ServiceError('engine_unavailable', 'it died')
            return webhookQueue.put(...args)
          },
        })
        const parts = { broker, inbox, schedule, webhookQueue: failing }
        const webhook: WebhookInput = { events: ['read'] }
        const options = { credential: 'test', idempotencyKey: 'k' }
        if (who === 'publisher') {
          const notify = () => new Publisher(parts).notify(user, { title: 'A', webhook }, options)
          await expect(notify()).rejects.toMatchObject({ temporary: true })
          expect(await notify()).toMatchObject({ replayed: true })
        } else {
          const scheduler = new Scheduler(parts, new Inboxes(engine), (error) => harness.reported.push(error))
          await new Publisher(parts).schedule(user, { title: 'A', webhook }, Date.now() - 1, options)
          scheduler.start()
          await until(async () => (await schedule.due(Date.now(), 10)).length === 0, 5000)
          await scheduler.stop()
        }
        const { items } = await new Inboxes(engine).list(user, { ...EVERYTHING, limit: 10 })
        const taken = await webhookQueue.take(Date.now() + 5000, Date.now() + 60_000, 10)
        expect(taken.map(({ webhook }) => [webhook.id, webhook.version])).toEqual(
          items.map(({ id }) => [id, 1]),
        )
        expect(failures).toBe(2)
        await clear(engine, Date.now() + 120_000)
      },
    )

    test('of many users each has a pending webhook', async () => {
      const engine = await harness.open()
      const users = upTo(20).map(() => randomUUIDv7())
      const input: NotificationInput = { title: 'A', webhook: { events: ['read'] } }
      const results = await new Publisher(engine).notifyMany(users, input, { credential: 'test' })
      const ids = results.map((one) => (one.status === 'fulfilled' ? one.value.id : undefined))
      const taken = await engine.webhookQueue.take(Date.now() + 5000, Date.now() + 60_000, 100)
      const wanted = users.map((user, index) => [user, ids[index]])
      expect(taken.map(({ webhook }) => [webhook.user, webhook.id]).sort()).toEqual(wanted.sort())
      const inboxes = new Inboxes(engine)
      await Promise.all(users.map((user) => inboxes.acknowledge(user, 1)))
      // They are taken, and come back at once when they are given back: each was hastened.
      for (const one of taken)
        await engine.webhookQueue.giveBack(one, { webhook: one.webhook, at: Date.now() + 60_000 }, Date.now())
      expect(await engine.webhookQueue.take(Date.now(), Date.now() + 60_000, 100)).toHaveLength(20)
      await clear(engine, Date.now() + 120_000)
    })

    test('an update that is dropped does not end the pending webhook of the stored one', async () => {
      const engine = await harness.open()
      const publisher = new Publisher(engine)
      const send = (version: number, webhook: WebhookInput) =>
        publisher.notify('ada', { title: 'A', tag: 'late', version, webhook }, { credential: 'test' })
      const { id } = await send(7, { events: ['delivered'] })
      expect(await send(6, { events: ['read'] })).toMatchObject({ upsert: { applied: false } })
      const taken = await engine.webhookQueue.take(Date.now() + 5000, Date.now() + 60_000, 10)
      expect(taken.map((one) => one.webhook)).toMatchObject([{ id, version: 7, events: ['delivered'] }])
      await clear(engine, Date.now() + 120_000)
    })

    if (harness.features.shared)
      test('two engines share them, and each is taken once', async () => {
        const engines = [await harness.open(), await harness.open()]
        const now = someTime()
        const put = Array.from({ length: 100 }, () => pendingWebhookOf())
        await Promise.all(put.map((webhook, index) => engines[index % 2]!.webhookQueue.put(webhook, now)))
        const taken = await Promise.all(
          Array.from({ length: 20 }, (_, index) => engines[index % 2]!.webhookQueue.take(now, now + 100, 10)),
        )
        expect(idsOf(taken.flat()).sort()).toEqual(put.map(({ id }) => id).sort())
        await clear(engines[0]!, now + 100)
      })

    if (harness.features.restart)
      test('what was put and what was taken survives a restart of the store', async () => {
        const engine = await harness.open()
        const now = someTime()
        const webhook = pendingWebhookOf()
        await engine.webhookQueue.put(webhook, now)
        const [taken] = await engine.webhookQueue.take(now, now + 10, 10)
        const back = harness.adopt(await harness.store.restart!(engine))
        expect(await back.webhookQueue.giveBack(taken!, { webhook, at: now + 5 }, now)).toBe(true)
        expect(idsOf(await back.webhookQueue.take(now + 5, now + 100, 10))).toEqual([webhook.id])
        await clear(back, now + 100)
      })
  })
}
