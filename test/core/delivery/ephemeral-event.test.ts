import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ephemeralEvent,
  faultOfEvent,
  MAX_EPHEMERAL_BYTES,
  MAX_EVENT_LENGTH,
} from '../../../src/core/delivery/ephemeral-event.ts'
import { Hub, MAX_WAITING_EPHEMERAL } from '../../../src/core/delivery/hub.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { type Channel, roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { openMemory, report } from '../../support/engines.ts'
import { Recorder } from '../../support/recorder.ts'

const RETENTION = { count: 50, seconds: 3600 }
const room = roomChannel('lobby')
const textOf = (tab: Recorder): string[] => tab.heard.map(({ packet }) => packet.toString())

describe('an ephemeral event', () => {
  let engine: Engine
  let hub: Hub

  beforeEach(async () => {
    engine = await openMemory(RETENTION)
    hub = new Hub(engine, report)
  })

  afterEach(async () => {
    hub.stop()
    await engine.close()
  })

  const enter = async (id: string, ...channels: Channel[]): Promise<Recorder> => {
    const tab = new Recorder(id)
    hub.open(tab)
    for (const channel of channels) await (await hub.join(tab, channel)).release(true)
    return tab
  }

  test('reaches each tab once, by a channel or by the id of the connection', async () => {
    const tabs = [await enter('a', userChannel('ada'), room), await enter('b', room), await enter('c')]
    hub.publishEphemeral(ephemeralEvent('one', []), { to: [room, userChannel('ada'), 'connection:a'] })
    hub.publishEphemeral(ephemeralEvent('two', []), { to: ['connection:b', 'connection:nobody'] })
    hub.publishEphemeral(ephemeralEvent('three', []), { to: undefined, except: ['connection:b'] })
    expect(tabs.map(textOf)).toEqual([['["one"]', '["three"]'], ['["one"]', '["two"]'], []])
  })

  test('waits until a tab has entered, and does not reach one that has left', async () => {
    const tab = new Recorder('a')
    hub.open(tab)
    const subscription = await hub.join(tab, room)
    hub.publishEphemeral(ephemeralEvent('early', [1]), { to: [room] })
    expect(tab.heard).toEqual([])
    await subscription.release(true)
    expect(textOf(tab)).toEqual(['["early",1]'])
    hub.close(tab)
    hub.publishEphemeral(ephemeralEvent('late', []), { to: [room, 'connection:a'] })
    expect(tab.heard).toHaveLength(1)
  })

  test('goes to thousands in slices, in order, and what piles up is dropped', async () => {
    const tabs = await Promise.all(Array.from({ length: 1001 }, (_, index) => enter(`tab ${index}`, room)))
    const publishEphemeral = (index: number): boolean =>
      hub.publishEphemeral(ephemeralEvent('e', [index]), { to: [room] })
    // The first one does not wait.
    for (let index = 0; index <= MAX_WAITING_EPHEMERAL; index++) expect(publishEphemeral(index)).toBe(true)
    expect(publishEphemeral(-1)).toBe(false)
    expect(tabs.at(-1)!.heard).toEqual([])
    await tabs.at(-1)!.hears(MAX_WAITING_EPHEMERAL + 1)
    expect(textOf(tabs.at(-1)!)).toEqual(
      Array.from({ length: MAX_WAITING_EPHEMERAL + 1 }, (_, index) => `["e",${index}]`),
    )
    expect(publishEphemeral(0)).toBe(true)
  })
})

test('an event has as many bytes as allowed, and no more', () => {
  const text = 'x'.repeat(MAX_EPHEMERAL_BYTES - 8)
  expect(ephemeralEvent('e', [text]).packet).toHaveLength(MAX_EPHEMERAL_BYTES)
  expect(() => ephemeralEvent('e', [`${text}x`])).toThrow(RangeError)
})

test('the name of an event is text of some length that means nothing else', () => {
  expect(faultOfEvent('x'.repeat(MAX_EVENT_LENGTH))).toBeUndefined()
  for (const name of ['x'.repeat(MAX_EVENT_LENGTH + 1), '', 42, undefined, 'connect', 'position'])
    expect(faultOfEvent(name)).toMatch(/^must /)
})
