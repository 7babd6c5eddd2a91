import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PROGRESS_PAUSE } from '../../../src/core/delivery/coalescer.ts'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import type { Progress } from '../../../src/core/model/notification.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { report } from '../../support/engines.ts'
import { openLossyEngine } from '../../support/lossy-topics.ts'
import { Recorder } from '../../support/recorder.ts'

const RETENTION = { count: 50, seconds: 3600 }
const channel = userChannel('ada')

describe('the progress of a task on its way to the tabs', () => {
  let engine: Engine
  let lose: { next: number }
  let restore: () => void
  let hub: Hub
  let publisher: Publisher

  beforeEach(async () => {
    ;({ engine, lose, restore } = await openLossyEngine(RETENTION))
    hub = new Hub(engine, report)
    publisher = new Publisher(engine)
  })
  afterEach(async () => {
    vi.useRealTimers()
    hub.stop()
    await engine.close()
  })

  const enter = async (name: string): Promise<Recorder> => {
    const tab = new Recorder(name)
    hub.open(tab)
    await (await hub.join(tab, channel)).release(true)
    return tab
  }
  const step = (value: number, tag = 'task', status: Progress['status'] = 'running') =>
    publisher.notify(
      'ada',
      { title: `${value}`, tag, progress: { status, value, max: 1e6 } },
      { credential: 'test' },
    )
  const titles = ({ heard }: Recorder) => heard.map((publication) => payloadOf(publication).title)
  /** Sent in the order of their numbers, so many at a time. */
  const steps = async (
    count: number,
    between: (value: number) => unknown = () => undefined,
  ): Promise<void> => {
    for (let first = 1; first <= count; first += 50) {
      await Promise.all(
        Array.from({ length: Math.min(50, count - first + 1) }, (_, index) => step(first + index)),
      )
      await between(first + 49)
    }
  }
  /** Time stands still from now on, so that a busy machine ends no pause. */
  const stopTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  /** Lets what was published arrive, and then the pause pass. */
  const pass = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(PROGRESS_PAUSE)
  }
  const isRising = ({ seqs }: Recorder) => expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))

  test('ten thousand updates reach each tab about four times a second, with the first and the last', async () => {
    const tabs = [await enter('one'), await enter('two')]
    const began = performance.now()
    await steps(10_000)
    const seconds = (performance.now() - began) / 1000
    await Promise.all(tabs.map((tab) => tab.shows('10000')))
    for (const tab of tabs) {
      expect(tab.heard.length).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 2)
      expect(titles(tab)[0]).toBe('1')
      isRising(tab)
    }
    expect(hub.counts.repairs).toBe(0)
  })

  test('a plain notification goes at once, and comes after the progress before it', async () => {
    stopTime()
    const tab = await enter('tab')
    await Promise.all([step(1), step(2), step(3)])
    await publisher.notify('ada', { title: 'plain' }, { credential: 'test' })
    await publisher.notify('ada', { title: 'ephemeral', ttl: 0 }, { credential: 'test' })
    await Promise.all([step(4), step(5)])
    await pass()
    await tab.shows('5')
    expect(titles(tab)).toEqual(['1', '3', 'plain', 'ephemeral', '5'])
  })

  test('who joins in the middle, and who comes back, reads the newest and goes on from there', async () => {
    stopTime()
    const tab = await enter('tab')
    await Promise.all([step(1), step(2), step(3)])
    const joiner = new Recorder('joiner')
    hub.open(joiner)
    await (await hub.join(joiner, channel)).replay({ seq: 0 })
    expect(titles(joiner)).toEqual(['3'])
    expect(joiner.counts).toEqual([{ unread: 1, unseen: 1 }])
    const live = await enter('live')
    await Promise.all([step(4), step(5)])
    await pass()
    await Promise.all([tab, joiner, live].map((each) => each.shows('5')))
    expect(titles(tab)).toEqual(['1', '5'])
    expect(titles(joiner)).toEqual(['3', '5'])
    expect(titles(live)).toEqual(['5'])
  })

  test('a repair in the middle hands on what is held first, and nothing twice', async () => {
    stopTime()
    const tab = await enter('tab')
    await Promise.all([step(1), step(2)])
    lose.next = 1
    await publisher.notify('ada', { title: 'lost' }, { credential: 'test' })
    await Promise.all([step(1, 'other'), step(3)])
    await tab.shows('3')
    expect(titles(tab)).toEqual(['1', '2', 'lost', '1', '3'])
    isRising(tab)
    expect(hub.counts.repairs).toBe(1)
    lose.next = 2
    await Promise.all([step(4), step(5)])
    restore()
    await tab.shows('5')
    expect(titles(tab)).toEqual(['1', '2', 'lost', '1', '3', '5'])
  })

  test('a task that is over goes at once, comes last, and alerts', async () => {
    const tab = await enter('tab')
    await steps(1000)
    await step(1001, 'task', 'succeeded')
    await tab.shows('1001')
    const alerts = tab.heard.map((publication) => payloadOf(publication).alert)
    expect(alerts).toEqual([true, ...alerts.slice(1, -1).map(() => false), true])
    expect(tab.heard.at(-1)!.seq).toBe(1001)
  })

  test('a channel that nobody hears any more keeps nothing', async () => {
    stopTime()
    const tab = await enter('tab')
    await Promise.all([step(1), step(2)])
    hub.close(tab)
    const next = await enter('next')
    await step(3)
    await next.shows('3')
    await pass()
    expect(titles(tab)).toEqual(['1'])
    expect(titles(next)).toEqual(['3'])
  })
})
