import { describe, expect, test } from 'vitest'
import { EVERYTHING, Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { type Desk, openDesk } from './desk.ts'
import { ALL, type Harness, seqsOf, upTo } from './harness.ts'

/** A user's log has notifications and events, as many of each as are kept. */
export function inboxRetentionLaw(harness: Harness): void {
  describe('the log behind an inbox', () => {
    const markTimes = async (desk: Desk, times: number) => {
      for (const round of upTo(times))
        await desk.inboxes.mark(desk.user, { state: 'read', value: round % 2 === 1 })
    }
    const readFrom = (desk: Desk, seq: number, epoch: string) =>
      desk.engine.broker.since(desk.channel, { seq, epoch }, ALL)

    test('events push no notifications out of the log, nor notifications events', async () => {
      const desk = await openDesk(harness, 5)
      const { epoch } = await desk.notify({})
      for (const _ of upTo(4)) await desk.notify({})
      await markTimes(desk, 5)
      expect(seqsOf(await readFrom(desk, 0, epoch))).toEqual(upTo(10))
      await desk.notify({})
      const page = await readFrom(desk, 1, epoch)
      expect(page.gap).toBeUndefined()
      expect(seqsOf(page)).toEqual(upTo(11).slice(1))
      expect((await readFrom(desk, 0, epoch)).gap).toEqual({ from: 1, to: 1, reason: 'trimmed' })
    })

    test('events beyond that number fall out, which is admitted; the notifications before them stay in the inbox', async () => {
      const desk = await openDesk(harness, 5)
      const { epoch } = await desk.notify({ title: 'first' })
      await markTimes(desk, 6)
      const page = await readFrom(desk, 1, epoch)
      expect(page.gap).toEqual({ from: 2, to: 2, reason: 'trimmed' })
      expect(seqsOf(page)).toEqual([3, 4, 5, 6, 7])
      expect((await readFrom(desk, 2, epoch)).gap).toBeUndefined()
      expect(await desk.titles()).toEqual(['first'])
    })

    test('pages of both are in the order of their seqs', async () => {
      const desk = await openDesk(harness)
      for (const round of upTo(20)) {
        await desk.notify(round % 3 === 0 ? { tag: 't' } : {})
        if (round % 2 === 0) await markTimes(desk, round % 4)
      }
      const whole = seqsOf(await desk.engine.broker.since(desk.channel, { seq: 0 }, ALL))
      expect(whole).toEqual([...whole].sort((one, other) => one - other))
      for (const limit of [
        { entries: 1, bytes: ALL.bytes },
        { entries: 7, bytes: ALL.bytes },
        { entries: 100, bytes: 900 },
      ]) {
        const upwards: number[] = []
        for (let from: { seq: number; epoch?: string } = { seq: 0 }, more = true; more; ) {
          const { publications, end, complete } = await desk.engine.broker.since(desk.channel, from, limit)
          upwards.push(...publications.map(({ seq }) => seq))
          from = end
          more = !complete
        }
        expect(upwards).toEqual(whole)
        const downwards: number[] = []
        for (let before: number | undefined, more = true; more; ) {
          const page = await desk.engine.broker.latest(desk.channel, before, limit)
          downwards.unshift(...seqsOf(page))
          before = page.end.seq
          more = !page.complete
        }
        expect(downwards).toEqual(whole)
      }
    })

    test('a replaced one is replayed as it was shown, and the marks after it as well', async () => {
      const desk = await openDesk(harness)
      const recorder = new TopicRecorder()
      await desk.engine.broker.subscribe(desk.channel, recorder.hear)
      await desk.notify({ title: 'other' })
      await desk.notify({ tag: 't', title: 'one' })
      await desk.inboxes.mark(desk.user, { state: 'read', value: true })
      await desk.notify({ tag: 't', title: 'two', progress: { status: 'running', value: 0.5 } })
      await desk.inboxes.mark(desk.user, { state: 'archived', value: true })
      await desk.notify({ tag: 't', title: 'three', renotify: true, severity: 'error' })
      await recorder.hasHeard(6)
      const shown = recorder.heard.filter(({ seq }) => seq !== 2 && seq !== 4).map((one) => payloadOf(one))
      const log = await desk.log()
      expect(log).toEqual(shown)
      expect(log.map(({ seq }) => seq)).toEqual([1, 3, 5, 6])
    })

    test('hundreds that are replaced leave the states of the others as they were, and their own', async () => {
      const desk = await openDesk(harness)
      // What is replaced stands before the others, too, so that they move when it is taken away.
      await desk.notify({ title: 'first' })
      for (const tag of ['a', 'b']) await desk.notify({ tag, title: `${tag}0` })
      const ids: string[] = []
      for (const title of ['seen', 'read', 'archived', 'plain']) ids.push((await desk.notify({ title })).id)
      await desk.engine.inbox.acknowledge(desk.channel, 5, '2026-01-01T00:00:00.000Z')
      for (const [index, state] of (['seen', 'read', 'archived'] as const).entries())
        await desk.inboxes.mark(desk.user, { ids: [ids[index]!], state, value: true })
      const kept = (await desk.list()).items.filter(({ tag }) => tag === undefined)
      // One after the other, so that none of them is the last when it is replaced.
      for (const round of upTo(160)) {
        for (const tag of ['a', 'b']) await desk.notify({ tag, title: `${tag}${round}` })
        if (round === 150) await desk.inboxes.mark(desk.user, { state: 'seen', value: true })
      }
      const { items, unread, unseen } = await desk.list()
      const [b, a, plain, ...others] = items
      const seenAt = expect.any(String)
      expect(others).toEqual(
        kept.slice(1).map((item) => (item.seenAt === undefined ? { ...item, seenAt } : item)),
      )
      const marked = { readAt: undefined, seenAt }
      expect(plain).toEqual({ ...kept[0]!, ...marked })
      for (const [item, tag] of [
        [a, 'a'],
        [b, 'b'],
      ] as const) {
        expect(item).toMatchObject({
          tag,
          version: 161,
          ...marked,
          content: expect.stringContaining(`${tag}160`),
        })
        expect(await desk.inboxes.find(desk.user, item!.id)).toEqual(item)
        expect(await desk.inboxes.find(desk.user, tag)).toEqual(item)
      }
      expect({ unread, unseen }).toEqual({ unread: 5, unseen: 0 })
      expect(await desk.titles({ type: 'message', status: 'archived' })).toEqual(['archived'])
      await desk.inboxes.withdraw(desk.user, ids[3]!)
      expect(await desk.list()).toMatchObject({ items: { length: 6 }, unread: 4, unseen: 0 })
    })

    harness.longTest('thousands of updates of one tag leave what lies before them as it was', async () => {
      const desk = await openDesk(harness, 50)
      await desk.notify({ title: 'old' })
      for (let round = 0; round < 100; round++)
        await Promise.all(
          upTo(100).map((value) =>
            desk.notify({ tag: 't', progress: { status: 'running', value: value / 100 } }),
          ),
        )
      expect(await desk.list()).toMatchObject({ unread: 2, unseen: 2, seq: 10_001, items: { length: 2 } })
      const page = await desk.engine.broker.since(desk.channel, { seq: 0 }, ALL)
      expect(seqsOf(page)).toEqual([1, 10_001])
      expect(page.gap).toBeUndefined()
    })

    harness.longTest(
      'a retention that was made shorter holds for what comes, and nothing else ends early',
      async () => {
        const before = await openDesk(harness, 1000, 3600)
        await before.notify({ title: 'long' })
        await before.notify({ title: 'own', ttl: 1800 })
        if (!harness.features.shared && !harness.features.restart) return
        await before.engine.close()
        const engine = await harness.open({ user: { count: 1000, seconds: 2 } })
        const options = { credential: 'test' }
        const recorder = new TopicRecorder()
        await engine.broker.subscribe(before.channel, recorder.hear)
        const { id } = await new Publisher(engine).notify(before.user, { title: 'short' }, options)
        await recorder.hasHeard(2)
        expect(payloadOf(recorder.heard[1]!)).toMatchObject({ ids: [id], unread: 2, unseen: 2 })
        const { items } = await new Inboxes(engine).list(before.user, { ...EVERYTHING, limit: 10 })
        expect(items.map(({ content }) => JSON.parse(`{${content}}`).title)).toEqual(['own', 'long'])
      },
    )
  })
}
