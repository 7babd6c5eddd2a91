import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { PublicationHandler } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { openMemory, report } from '../../support/engines.ts'
import { Recorder } from '../../support/recorder.ts'

const ADA = userChannel('ada')

describe('a feed of a log that was not yet written', () => {
  let stores: [Engine, Engine]
  let current: Engine
  let handler: PublicationHandler | undefined
  let restored: () => void
  let announced: Promise<void> | undefined
  let announcements = 0
  let hub: Hub

  beforeEach(async () => {
    const kept = { count: 100, seconds: 3600 }
    stores = [await openMemory(kept), await openMemory(kept)]
    current = stores[0]
    announced = undefined
    hub = new Hub(engineThatMoves(), report)
  })
  afterEach(async () => {
    hub.stop()
    await Promise.all(stores.map((engine) => engine.close()))
  })

  /** An engine on the one store, and after the move on the other, as if the first had been wiped. */
  const engineThatMoves = (): Engine => ({
    ...stores[0],
    broker: {
      publish: (draft) => current.broker.publish(draft),
      publishAll: (drafts) => current.broker.publishAll(drafts),
      async subscribe(channel, heard) {
        handler = heard
        await current.broker.subscribe(channel, (publication) => handler?.(publication))
      },
      unsubscribe: () => undefined,
      since: (...args) => current.broker.since(...args),
      latest: (...args) => current.broker.latest(...args),
      onRestored(listener) {
        restored = listener
      },
    },
    connections: {
      async announce(channel, count) {
        await announced
        const head = await current.connections.announce(channel, count)
        announcements++
        return head
      },
      count: (channels) => current.connections.count(channels),
    },
  })

  const enter = async (): Promise<Recorder> => {
    const tab = new Recorder()
    hub.open(tab)
    await (await hub.join(tab, ADA)).release(true)
    return tab
  }
  const say = (title: string) => new Publisher(current).notify('ada', { title }, { credential: 'test' })
  const titles = (tab: Recorder) => tab.heard.map((publication) => payloadOf(publication).title)

  test('hands the first publication on at once, without reading the log', async () => {
    const tab = await enter()
    current.broker.since = () => Promise.reject(new Error('nothing has to be read'))
    await say('first')
    expect(titles(tab)).toEqual(['first'])
    expect(hub.counts.repairs).toBe(0)
  })

  test('a store that was wiped while topics were cut: the gap comes before its first publication', async () => {
    const tab = await enter()
    const heard = handler!
    handler = undefined
    await say('lost')
    current = stores[1]
    await current.broker.subscribe(ADA, heard)
    const asked = Promise.withResolvers<void>()
    announced = asked.promise
    restored()
    await say('first')
    asked.resolve()
    await vi.waitFor(() => expect(titles(tab)).toEqual(['first']))
    expect(tab.gaps).toEqual([{ from: 1, to: 1, reason: 'wiped' }])
  })

  test('topics that were cut and lost nothing: what came meanwhile is handed on, and nothing is read', async () => {
    const tab = await enter()
    current.broker.since = () => Promise.reject(new Error('nothing has to be read'))
    const before = announcements
    restored()
    await vi.waitFor(() => expect(announcements).toBeGreaterThan(before))
    await say('again')
    expect([titles(tab), tab.gaps]).toEqual([['again'], []])
  })
})
