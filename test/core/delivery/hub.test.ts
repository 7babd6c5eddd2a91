import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { PublicationHandler } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { report } from '../../support/engines.ts'
import { openLossyEngine } from '../../support/lossy-topics.ts'
import { Recorder } from '../../support/recorder.ts'

const RETENTION = { count: 50, seconds: 3600 }
const channel = userChannel('ada')

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('hub', () => {
  let engine: Engine
  let lose: { next: number }
  let restore: () => void
  let deliver: PublicationHandler
  let hub: Hub
  let publisher: Publisher

  const say = (title: string, options = {}) =>
    publisher.notify('ada', { title }, { credential: 'test', ...options })
  const enter = async (recorder: Recorder, name: ReturnType<typeof userChannel> = channel) => {
    hub.open(recorder)
    return hub.join(recorder, name)
  }

  beforeEach(async () => {
    const lossy = await openLossyEngine(RETENTION)
    engine = lossy.engine
    lose = lossy.lose
    restore = lossy.restore
    deliver = lossy.deliver
    hub = new Hub(engine, report)
    publisher = new Publisher(engine)
  })

  afterEach(async () => {
    hub.stop()
    await engine.close()
  })

  test('without a cursor a connection hears what comes, and nothing that was', async () => {
    await say('before')
    const tab = new Recorder()
    await (await enter(tab)).release(true)
    await say('after')
    await tab.hears(1)
    expect(tab.heard.map((heard) => payloadOf(heard).title)).toEqual(['after'])
    expect(tab.positions).toEqual([])
  })

  test('a connection that closed before it joined watches no room', async () => {
    const tab = new Recorder()
    hub.open(tab)
    hub.close(tab)
    const subscription = await hub.join(tab, roomChannel('den'))
    expect(await hub.presence.addViewer(subscription)).toBeUndefined()
    await engine.presence.state('den', new Map([['ada', 1]]))
    expect(tab.heard).toEqual([])
  })

  test('a replay under steady publishing brings everything once and in order', async () => {
    const tabs: Recorder[] = []
    const publishing = (async () => {
      for (let index = 0; index < 400; index++) await say(`no. ${index}`)
    })()
    for (let index = 0; index < 20; index++) {
      const tab = new Recorder(`tab ${index}`)
      tabs.push(tab)
      const head = await engine.broker.since(channel, { seq: 0 }, { entries: 1, bytes: 1 })
      const subscription = await enter(tab)
      await subscription.replay({ seq: Math.max(0, head.head.seq - 10), epoch: head.head.epoch })
    }
    await publishing
    for (const tab of tabs) {
      await tab.hears(400 - tab.seqs[0]! + 1)
      expect(tab.seqs).toEqual(numbers(tab.seqs[0]!, 400))
    }
  })

  test('what is published while the log is read comes after it, once', async () => {
    await say('one')
    const { since } = engine.broker
    engine.broker.since = async (...args) => {
      const page = await since(...args)
      await say('three')
      return page
    }
    const tab = new Recorder()
    const subscription = await enter(tab)
    await say('two')
    await subscription.replay({ seq: 0 })
    await tab.hears(3)
    expect(tab.heard.map((heard) => payloadOf(heard).title)).toEqual(['one', 'two', 'three'])
  })

  test('a lost message is repaired from the log, in order, when the next one comes', async () => {
    const tab = new Recorder()
    await (await enter(tab)).release(true)
    await say('one')
    await tab.hears(1)
    lose.next = 3
    for (const title of ['two', 'three', 'four', 'five']) await say(title)
    await tab.hears(5)
    expect(tab.seqs).toEqual(numbers(1, 5))
    expect(hub.counts.repairs).toBe(1)
  })

  test('a lost message that nothing follows is repaired when the topic is back', async () => {
    const tab = new Recorder()
    await (await enter(tab)).release(true)
    await say('heard')
    lose.next = 2
    await say('one')
    await say('two')
    expect(tab.seqs).toEqual([1])
    restore()
    await tab.hears(3)
    expect(tab.seqs).toEqual([1, 2, 3])
  })

  test('a lost message on an idle channel is found by the next check', async () => {
    hub.stop()
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      hub = new Hub(engine, report)
      const tab = new Recorder()
      await (await enter(tab)).release(true)
      lose.next = 1
      await say('one')
      vi.advanceTimersByTime(30_000)
      await tab.hears(1)
      expect(tab.seqs).toEqual([1])
      hub.stop()
    } finally {
      vi.useRealTimers()
    }
  })

  test('what retention removed before the repair becomes a gap', async () => {
    const tab = new Recorder()
    await (await enter(tab)).release(true)
    await say('one')
    await tab.hears(1)
    lose.next = 60
    for (let index = 0; index < 61; index++) await say(`no. ${index}`)
    await tab.hears(51)
    expect(tab.gaps).toEqual([{ from: 2, to: 12, reason: 'trimmed' }])
    expect(tab.seqs).toEqual([1, ...numbers(13, 62)])
    expect(tab.positions.map(({ seq }) => seq)).toEqual([62])
  })

  test('a message on the topic that is not of this store is dropped, and the feed goes on', async () => {
    const tab = new Recorder()
    await (await enter(tab)).release(true)
    await say('one')
    await tab.hears(1)
    deliver({ ...tab.heard[0]!, seq: 9, epoch: 'foreign.0' })
    await say('two')
    await publisher.notify('ada', { title: 'ephemeral', ttl: 0 }, { credential: 'test' })
    await tab.hears(3)
    expect(tab.seqs).toEqual([1, 2, 0])
    expect(hub.counts.repairs).toBe(1)
  })

  test('a check that meets a channel which was left and entered again does not miscount it', async () => {
    const users = Array.from({ length: 600 }, (_, index) => `user ${index}`)
    const tabs = users.map((user) => new Recorder(user))
    await Promise.all(tabs.map((tab) => enter(tab, userChannel(tab.id))))
    const last = tabs.at(-1)!
    // Far more than are checked at once: when it is this one's turn, its feed has been replaced.
    restore()
    hub.close(last)
    await enter(new Recorder('again'), userChannel(last.id))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const { connections } = await publisher.notify(last.id, { title: 'hello' }, { credential: 'test' })
    expect(connections).toBe(1)
  })

  test('a cursor behind retention gets the gap, then what is left, then the position', async () => {
    const first = await say('no. 0')
    for (let index = 1; index < 60; index++) await say(`no. ${index}`)
    const tab = new Recorder()
    await (await enter(tab)).replay({ seq: 3, epoch: first.epoch })
    expect(tab.gaps).toEqual([{ from: 4, to: 10, reason: 'trimmed' }])
    expect(tab.seqs).toEqual(numbers(11, 60))
    expect(tab.positions).toEqual([{ seq: 60, epoch: first.epoch }])
  })

  test('an alert that was missed does not alert again', async () => {
    await say('before')
    const tab = new Recorder()
    await (await enter(tab)).replay({ seq: 0 })
    await say('after')
    await tab.hears(2)
    expect(tab.heard.map((heard) => payloadOf(heard).alert)).toEqual([false, true])
  })

  test('a control entry is for those who were connected when it was written, and is shown to nobody', async () => {
    const before = new Recorder('before')
    await (await enter(before)).release(true)
    await publisher.control('ada', { action: 'disconnect' })
    const after = new Recorder('after')
    await (await enter(after)).replay({ seq: 0 })
    await say('hello')
    await Promise.all([before.hears(1), after.hears(1)])
    expect(before.controls.map(({ action }) => action)).toEqual(['disconnect'])
    expect(after.controls).toEqual([])
    expect(before.seqs).toEqual([2])
    expect(after.seqs).toEqual([2])
  })

  test('the connection that is left out hears nothing, the others do', async () => {
    const speaker = new Recorder('speaker')
    const listener = new Recorder('listener')
    for (const tab of [speaker, listener]) await (await enter(tab)).release(true)
    await say('not to me', { exceptConnection: 'speaker' })
    await say('to all')
    await Promise.all([speaker.hears(1), listener.hears(2)])
    expect(speaker.seqs).toEqual([2])
    expect(listener.seqs).toEqual([1, 2])
  })

  test('what is ephemeral reaches whoever is live, without a number', async () => {
    const tab = new Recorder()
    await (await enter(tab)).release(true)
    await say('stored')
    await publisher.notify('ada', { title: 'ephemeral', ttl: 0 }, { credential: 'test' })
    await say('stored too')
    await tab.hears(3)
    expect(tab.seqs).toEqual([1, 0, 2])
  })

  test('a room of thousands gets every message once and in order, also those who enter meanwhile', async () => {
    const room = roomChannel('hall')
    const tabs = Array.from({ length: 2500 }, (_, index) => new Recorder(`tab ${index}`))
    await Promise.all(tabs.map(async (tab) => (await enter(tab, room)).release(true)))
    const late = new Recorder('late')
    for (let index = 0; index < 10; index++) {
      await publisher.message('hall', { body: `no. ${index}` }, { credential: 'test' })
      if (index === 5) void enter(late, room).then((subscription) => subscription.replay({ seq: 0 }))
    }
    await Promise.all([...tabs, late].map((tab) => tab.hears(10)))
    for (const tab of [...tabs, late]) expect(tab.seqs).toEqual(numbers(1, 10))
  })

  test('connections are counted while they are here, and everything is given back when they go', async () => {
    const tabs = [new Recorder('a'), new Recorder('b')]
    for (const tab of tabs) await (await enter(tab)).release(true)
    expect((await say('hello')).connections).toBe(2)
    for (const tab of tabs) hub.close(tab)
    expect(hub.counts).toMatchObject({ connections: 0, channels: 0 })
    expect((await say('hello again')).connections).toBe(0)
  })
})
