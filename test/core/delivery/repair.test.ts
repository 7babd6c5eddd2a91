import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { report } from '../../support/engines.ts'
import { openLossyEngine } from '../../support/lossy-topics.ts'
import { Recorder } from '../../support/recorder.ts'

const RETENTION = { count: 5000, seconds: 3600 }
const BODY = 'x'.repeat(1000)
const OPTIONS = { credential: 'test' }

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('the repair of many pages', () => {
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
    hub.stop()
    await engine.close()
  })

  const enter = async (tab: Recorder, channel = userChannel('ada')): Promise<Recorder> => {
    hub.open(tab)
    await (await hub.join(tab, channel)).release(true)
    return tab
  }

  const loseAndRestore = async (count: number): Promise<void> => {
    lose.next = count
    for (let index = 0; index < count; index++) await publisher.notify('ada', { body: BODY }, OPTIONS)
    restore()
  }

  test('the next page is read when the last has been drained', async () => {
    const tab = new Recorder()
    let drain = Promise.withResolvers<void>()
    let asked = Promise.withResolvers<void>()
    tab.drained = () => {
      asked.resolve()
      return drain.promise
    }
    await enter(tab)
    await loseAndRestore(300)
    let before = 0
    while (tab.heard.length < 300) {
      await asked.promise
      const page = tab.heard.slice(before)
      expect(page.reduce((bytes, { packet }) => bytes + packet.length, 0)).toBeLessThanOrEqual(65_536)
      before = tab.heard.length
      // A turn in which nothing is read, since nothing has been drained.
      await new Promise((resolve) => setImmediate(resolve))
      expect(tab.heard.length).toBe(before)
      const { resolve } = drain
      drain = Promise.withResolvers()
      asked = Promise.withResolvers()
      resolve()
      if (before > 250) break
    }
    await tab.hears(300)
    expect(tab.seqs).toEqual(numbers(1, 300))
  })

  test('one that never drains does not keep the others from being complete', async () => {
    const stuck = new Recorder('stuck')
    stuck.drained = () => Promise.withResolvers<void>().promise
    await enter(stuck)
    const tab = await enter(new Recorder('healthy'))
    await loseAndRestore(200)
    await tab.hears(200)
    expect(tab.seqs).toEqual(numbers(1, 200))
  })

  test('what is published meanwhile follows in order, once', async () => {
    const tab = await enter(new Recorder())
    await loseAndRestore(500)
    for (let index = 0; index < 500; index++) await publisher.notify('ada', { body: BODY }, OPTIONS)
    await tab.hears(1000)
    expect(tab.seqs).toEqual(numbers(1, 1000))
    expect(tab.gaps).toEqual([])
  })

  test('a slow repair of one channel does not hold up the repair of others', async () => {
    // More than are checked at once, and the first ones are stuck.
    const stuck: Recorder[] = []
    for (let index = 0; index < 300; index++) {
      const tab = await enter(new Recorder(`stuck ${index}`), roomChannel(`room ${index}`))
      if (index >= 200) continue
      tab.drained = () => Promise.withResolvers<void>().promise
      stuck.push(tab)
    }
    const last = await enter(new Recorder('last'), roomChannel('last'))
    lose.next = Number.POSITIVE_INFINITY
    const say = (room: string) => publisher.message(room, { body: BODY }, OPTIONS)
    for (let index = 0; index < 200; index++)
      await Promise.all(Array.from({ length: 100 }, () => say(`room ${index}`)))
    await say('last')
    lose.next = 0
    restore()
    await last.hears(1)
    expect(stuck.filter(({ heard }) => heard.length === 100)).toEqual([])
    await Promise.all(stuck.map((tab) => tab.hears(100)))
  })

  test('a room of thousands is repaired in slices and pages', async () => {
    const tabs = await Promise.all(
      Array.from({ length: 2500 }, (_, index) => enter(new Recorder(`tab ${index}`), roomChannel('hall'))),
    )
    lose.next = 150
    for (let index = 0; index < 150; index++) await publisher.message('hall', { body: BODY }, OPTIONS)
    restore()
    await publisher.message('hall', { body: BODY }, OPTIONS)
    await Promise.all(tabs.map((tab) => tab.hears(151)))
    for (const tab of tabs) expect(tab.seqs).toEqual(numbers(1, 151))
  })

  test('what cannot reach a room of thousands in time does not pile up: it is read from the log', async () => {
    const tabs = await Promise.all(
      Array.from({ length: 1001 }, (_, index) => enter(new Recorder(`tab ${index}`), roomChannel('hall'))),
    )
    // Slower than the store, whatever the machine.
    for (const tab of tabs.slice(0, 3)) {
      const send = tab.send.bind(tab)
      tab.send = (publication) => {
        for (const end = performance.now() + 0.1; performance.now() < end; );
        send(publication)
      }
    }
    await Promise.all(
      Array.from({ length: 2500 }, () => publisher.message('hall', { data: 'x'.repeat(4000) }, OPTIONS)),
    )
    await Promise.all(tabs.map((tab) => tab.hears(2500)))
    for (const tab of tabs) expect(tab.seqs).toEqual(numbers(1, 2500))
    expect(hub.counts.repairs).toBeGreaterThan(0)
  })
})
