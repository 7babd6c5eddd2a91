import { describe, expect, test } from 'vitest'
import type { LogPage } from '../../../src/core/engine/broker.ts'
import { idOfChannel } from '../../../src/core/model/channel.ts'
import type { Cursor } from '../../../src/core/model/position.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { draftOf } from '../../support/drafts.ts'
import { recordTopic } from '../../support/listener.ts'
import { ALL, type Harness, publishMany, seqsOf, someRoom, someUser, upTo } from './harness.ts'

/** The log: what is stored, how it is numbered and read. */
export function brokerLogLaw(harness: Harness): void {
  describe('the log', () => {
    test('numbers 1 to n without a hole, in each channel for itself, in one epoch', async () => {
      const { broker } = await harness.open()
      const channels = [someUser(), someRoom(), someRoom()]
      const published = await Promise.all(
        upTo(300).map((number) => broker.publish(draftOf(channels[number % 3]!, number))),
      )
      for (const [index, channel] of channels.entries()) {
        const mine = published.filter((_, position) => (position + 1) % 3 === index)
        expect(mine.map(({ seq }) => seq)).toEqual(upTo(100))
        expect(new Set(mine.map(({ epoch }) => epoch)).size).toBe(1)
        const page = await broker.since(channel, { seq: 0 }, ALL)
        expect(page.publications.map(({ id }) => id)).toEqual(mine.map(({ id }) => id))
        expect(page.head).toEqual({ seq: 100, epoch: mine[0]!.epoch })
      }
    })

    test('an entry is read as it was published', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      const draft = draftOf(channel, 'hello', { except: 'socket-1', expiresAt: Date.now() + 60_000 })
      const { seq, epoch } = await broker.publish(draft)
      const [entry] = (await broker.since(channel, { seq: 0 }, ALL)).publications
      const { id, event, createdAt, expiresAt } = draft
      expect(entry).toMatchObject({
        channel,
        seq,
        epoch,
        id,
        event,
        createdAt,
        expiresAt,
        except: 'socket-1',
      })
    })

    test.each(['1\n2', '1 2'])(
      'what could not be read again is not stored, and harms nobody (%j)',
      async (except) => {
        const { broker, ...engine } = await harness.open()
        const channel = someUser()
        const recorder = await recordTopic({ broker }, channel)
        const publisher = new Publisher({ ...engine, broker })
        const bad = { credential: 'test', exceptConnection: except }
        const results = await Promise.allSettled([
          broker.publish(draftOf(channel, 1)),
          broker.publish(draftOf(channel, 'bad', { except })),
          publisher.notify(idOfChannel(channel), { title: 'bad' }, bad),
          broker.publish(draftOf(channel, 2)),
        ])
        expect(results.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'rejected',
          'fulfilled',
        ])
        await recorder.hasHeard(2)
        expect(recorder.data).toEqual([1, 2])
        expect(seqsOf(await broker.since(channel, { seq: 0 }, ALL))).toEqual([1, 2])
        // It was let in by mistake: a fault of ours, which the log is to have with its cause.
        expect(results[1]).toMatchObject({ reason: { code: 'internal' } })
        expect(harness.reported.splice(0)).toMatchObject(
          Array(2).fill({ code: 'internal', cause: expect.any(TypeError) }),
        )
      },
    )

    test('since brings exactly what follows on a cursor', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      await publishMany({ broker }, channel, 10)
      const { head } = await broker.since(channel, {}, ALL)
      for (const seq of [0, 1, 6, 9, 10]) {
        const page = await broker.since(channel, { seq, epoch: head.epoch }, ALL)
        expect(seqsOf(page)).toEqual(upTo(10).slice(seq))
        expect(page).toMatchObject({ head, end: head, complete: true })
        expect(page.gap).toBeUndefined()
      }
    })

    test('{} brings nothing, and its position is where one goes on', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      await publishMany({ broker }, channel, 3)
      const now = await broker.since(channel, {}, ALL)
      expect(now).toMatchObject({ publications: [], complete: true, end: now.head, head: { seq: 3 } })
      await broker.publish(draftOf(channel))
      const page = await broker.since(channel, now.end, ALL)
      expect(seqsOf(page)).toEqual([4])
      expect(page.gap).toBeUndefined()
    })

    test.each([
      [9, 3],
      [10, 3],
      [3, 10],
      [1, 1],
    ])('%i entries are read in pages of %i', async (count, entries) => {
      const { broker } = await harness.open()
      const channel = someUser()
      await publishMany({ broker }, channel, count)
      const pages = await readAll({ broker, channel }, { entries, bytes: ALL.bytes })
      expect(pages.flatMap(seqsOf)).toEqual(upTo(count))
      expect(pages).toHaveLength(Math.ceil(count / entries))
      for (const page of pages) expect(page.publications.length).toBeLessThanOrEqual(entries)
      expect(pages.at(-1)!.end).toEqual(pages.at(-1)!.head)
    })

    test.each([1, 2500, 100_000])(
      'pages of %i bytes are no larger than that, unless one entry is',
      async (bytes) => {
        const { broker } = await harness.open()
        const channel = someUser()
        await publishMany({ broker }, channel, 7, { tail: `,"padding":"${'x'.repeat(900)}"}]` })
        const pages = await readAll({ broker, channel }, { entries: 1000, bytes })
        expect(pages.flatMap(seqsOf)).toEqual(upTo(7))
        expect(pages).toHaveLength({ 1: 7, 2500: 4, 100000: 1 }[bytes]!)
        for (const { publications } of pages) {
          const size = publications.reduce((sum, { packet }) => sum + packet.length, 0)
          expect(size <= bytes || publications.length === 1).toBe(true)
        }
      },
    )

    test('latest brings the newest, and leads backwards to the first', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      await publishMany({ broker }, channel, 7)
      const seqs: number[][] = []
      let before: number | undefined
      for (let complete = false; !complete; ) {
        const page = await broker.latest(channel, before, { entries: 3, bytes: ALL.bytes })
        expect(page.head.seq).toBe(7)
        seqs.push(seqsOf(page))
        before = page.end.seq
        complete = page.complete
      }
      expect(seqs).toEqual([[5, 6, 7], [2, 3, 4], [1]])
      expect(await broker.latest(channel, 1, ALL)).toMatchObject({ publications: [], complete: true })
      const [six, seven] = (await broker.latest(channel, undefined, { entries: 2, bytes: 1 })).publications
      expect([six?.seq, seven]).toEqual([7, undefined])
    })

    test.each<[string, number, (epoch: string) => Cursor, object]>([
      [
        'of a log that was wiped',
        4,
        () => ({ seq: 3, epoch: 'AAAAAAAA.other' }),
        { from: 1, to: 3, reason: 'wiped' },
      ],
      ['without an epoch', 4, () => ({ seq: 3 }), { from: 1, to: 3, reason: 'unknown' }],
      ['ahead of its epoch', 4, (epoch) => ({ seq: 9, epoch }), { from: 5, to: 9, reason: 'failover' }],
      [
        'of a lost run',
        4,
        (epoch) => ({ seq: 3, epoch: `${epoch.split('.')[0]}.lost` }),
        { from: 1, to: 3, reason: 'failover' },
      ],
    ])('a cursor %s gets a gap', async (_, count, cursorOf, gap) => {
      const { broker } = await harness.open()
      const channel = someUser()
      await publishMany({ broker }, channel, count)
      const { head } = await broker.since(channel, {}, ALL)
      const page = await broker.since(channel, cursorOf(head.epoch), ALL)
      expect(page.gap).toEqual(gap)
      expect(seqsOf(page)).toEqual(gap === undefined || !('from' in gap) || gap.from === 5 ? [] : upTo(count))
    })

    test('{seq: 0} is never a gap', async () => {
      const { broker } = await harness.open({ user: { count: 2, seconds: 3600 } })
      const channel = someUser()
      await publishMany({ broker }, channel, 5)
      const page = await broker.since(channel, { seq: 0 }, ALL)
      expect(page.gap).toBeUndefined()
      expect(seqsOf(page)).toEqual([4, 5])
    })

    test('an expired entry is not read, and is no gap', async () => {
      const { broker } = await harness.open()
      const channel = someUser()
      const expiresAt = Date.now() - 1000
      await publishMany({ broker }, channel, 2)
      for (const extra of [{ expiresAt }, {}, { expiresAt }]) await broker.publish(draftOf(channel, 0, extra))
      const { head } = await broker.since(channel, {}, ALL)
      const page = await broker.since(channel, { seq: 1, epoch: head.epoch }, ALL)
      expect(seqsOf(page)).toEqual([2, 4])
      expect(page.gap).toBeUndefined()
      expect(page).toMatchObject({ complete: true, end: { seq: 5 } })
      expect(seqsOf(await broker.latest(channel, undefined, ALL))).toEqual([1, 2, 4])
      const pages = await readAll({ broker, channel }, { entries: 1, bytes: ALL.bytes })
      expect(pages.flatMap(seqsOf)).toEqual([1, 2, 4])
    })
  })
}

type Reading = Pick<Awaited<ReturnType<Harness['open']>>, 'broker'> & {
  channel: ReturnType<typeof someUser>
}

/** Reads a log from its beginning, page by page. */
async function readAll({ broker, channel }: Reading, limit: typeof ALL): Promise<LogPage[]> {
  const pages: LogPage[] = []
  for (let cursor: Cursor = { seq: 0 }; !pages.at(-1)?.complete; cursor = pages.at(-1)!.end) {
    const page = await broker.since(channel, cursor, limit)
    expect(page.gap).toBeUndefined()
    if (!page.complete) expect(page.end.seq).toBeGreaterThan(cursor.seq!)
    pages.push(page)
  }
  return pages
}
