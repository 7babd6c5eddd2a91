import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { ServiceError } from '../../../src/core/model/errors.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { openLossyEngine } from '../../support/lossy-topics.ts'
import { Recorder } from '../../support/recorder.ts'

const ADA = userChannel('ada')

/** By when a tab has learned of it, in milliseconds. */
const PROMISED = { timeout: 2000, interval: 10 }

describe('a fault of our own on the way to the tabs', () => {
  let engine: Engine
  let lose: { next: number }
  let restore: () => void
  let hub: Hub
  let publisher: Publisher
  let reported: unknown[]

  beforeEach(async () => {
    ;({ engine, lose, restore } = await openLossyEngine({ count: 100, seconds: 3600 }))
    reported = []
    hub = new Hub(engine, (error) => reported.push(error))
    publisher = new Publisher(engine)
  })

  afterEach(async () => {
    hub.stop()
    await engine.close()
  })

  const enter = async (): Promise<Recorder> => {
    const tab = new Recorder()
    hub.open(tab)
    await (await hub.join(tab, ADA)).release(true)
    return tab
  }
  const say = (title: string) => publisher.notify('ada', { title }, { credential: 'test' })
  const titles = (tab: Recorder) => tab.heard.map((publication) => payloadOf(publication).title)
  const breakReading = (): void => {
    engine.broker.since = () => Promise.reject(new TypeError('undefined is not a function'))
  }

  test('a repair that throws a TypeError is reported once, and the tab gets a gap; then it goes on', async () => {
    const tab = await enter()
    await say('1')
    breakReading()
    lose.next = 2
    await say('2')
    await say('3')
    restore()
    await vi.waitFor(() => expect(tab.gaps).toEqual([{ from: 2, to: 3, reason: 'unknown' }]), PROMISED)
    expect(tab.positions).toMatchObject([{ seq: 3 }])
    expect(reported).toMatchObject([{ name: 'TypeError' }])
    await say('4')
    await tab.shows('4')
    expect([titles(tab), tab.faults]).toEqual([['1', '4'], 0])
  })

  test('a hole that is noticed by what follows it is a gap as well', async () => {
    const tab = await enter()
    breakReading()
    lose.next = 1
    await say('1')
    await say('2')
    await vi.waitFor(() => expect(tab.gaps).toEqual([{ from: 1, to: 2, reason: 'unknown' }]), PROMISED)
    await say('3')
    await tab.shows('3')
    expect(reported).toHaveLength(1)
  })

  test('if not even the end of the log is known, the tab is closed', async () => {
    const tab = await enter()
    breakReading()
    lose.next = 1
    await say('1')
    engine.connections.announce = () => Promise.reject(new TypeError('nothing works'))
    await say('2')
    await vi.waitFor(() => expect(tab.faults).toBe(1), PROMISED)
    expect(reported).toMatchObject([{ name: 'TypeError' }, { message: 'nothing works' }])
  })

  test('while the engine is away a repair waits, and nothing is reported', async () => {
    const tab = await enter()
    const { since } = engine.broker
    let tries = 0
    engine.broker.since = (...args) =>
      ++tries < 3 ? Promise.reject(new ServiceError('engine_unavailable', 'away')) : since(...args)
    lose.next = 1
    await say('1')
    await say('2')
    await tab.shows('2')
    expect([titles(tab), tab.gaps, reported, tries]).toEqual([['1', '2'], [], [], 3])
  })

  test('a replay that cannot be read again is reported, and the tab is closed', async () => {
    const tab = await enter()
    const subscription = hub.subscriptionOf(tab, ADA)!
    breakReading()
    // Stands for a feed that has another epoch behind it than the subscription.
    subscription.moveTo({ seq: 5, epoch: 'another' })
    await say('1')
    await vi.waitFor(() => expect(tab.faults).toBe(1), PROMISED)
    expect(reported).toMatchObject([{ name: 'TypeError' }])
  })

  test('a check that throws is reported, and the others are checked', async () => {
    const tab = await enter()
    const other = new Recorder('other')
    hub.open(other)
    await (await hub.join(other, roomChannel('den'))).release(true)
    const { announce } = engine.connections
    engine.connections.announce = (channel, count) =>
      channel === ADA
        ? Promise.reject(new TypeError('not this one'))
        : announce.call(engine.connections, channel, count)
    lose.next = 1
    await publisher.message('den', { body: 'x' }, { credential: 'test' })
    restore()
    await other.hears(1)
    await vi.waitFor(() => expect(reported).toMatchObject([{ message: 'not this one' }]), PROMISED)
    expect(tab.faults).toBe(0)
  })

  test('a presence that cannot be stated is reported', async () => {
    engine.presence.state = () => Promise.reject(new TypeError('nobody'))
    const tab = new Recorder()
    tab.user = 'ada'
    hub.open(tab)
    await hub.join(tab, roomChannel('den'))
    await vi.waitFor(() => expect(reported).toMatchObject([{ message: 'nobody' }]), PROMISED)
  })
})
