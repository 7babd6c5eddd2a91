import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { carriedEvent, faultOfEvent, MAX_CARRIED_BYTES, MAX_EVENT_LENGTH } from '../../src/core/carried.ts'
import { type Channel, roomChannel, userChannel } from '../../src/core/channel.ts'
import type { Engine } from '../../src/core/engine.ts'
import { Hub, MAX_CARRIED } from '../../src/core/hub.ts'
import { openMemory } from '../support/engines.ts'
import { Recorder } from '../support/recorder.ts'

const RETENTION = { count: 50, seconds: 3600 }
const room = roomChannel('lobby')
const textOf = (tab: Recorder): string[] => tab.heard.map(({ packet }) => packet.toString())

describe('what is only carried', () => {
  let engine: Engine
  let hub: Hub

  beforeEach(async () => {
    engine = await openMemory(RETENTION)
    hub = new Hub(engine)
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
    hub.carry(carriedEvent('one', []), { to: [room, userChannel('ada'), 'connection:a'] })
    hub.carry(carriedEvent('two', []), { to: ['connection:b', 'connection:nobody'] })
    hub.carry(carriedEvent('three', []), { to: undefined, except: ['connection:b'] })
    expect(tabs.map(textOf)).toEqual([['["one"]', '["three"]'], ['["one"]', '["two"]'], []])
  })

  test('waits until a tab has entered, and is not told to one that has left', async () => {
    const tab = new Recorder('a')
    hub.open(tab)
    const member = await hub.join(tab, room)
    hub.carry(carriedEvent('early', [1]), { to: [room] })
    expect(tab.heard).toEqual([])
    await member.release(true)
    expect(textOf(tab)).toEqual(['["early",1]'])
    hub.close(tab)
    hub.carry(carriedEvent('late', []), { to: [room, 'connection:a'] })
    expect(tab.heard).toHaveLength(1)
  })

  test('goes to thousands in slices, in order, and what piles up is dropped', async () => {
    const tabs = await Promise.all(Array.from({ length: 1001 }, (_, index) => enter(`tab ${index}`, room)))
    const carry = (index: number): boolean => hub.carry(carriedEvent('e', [index]), { to: [room] })
    // The first one does not wait.
    for (let index = 0; index <= MAX_CARRIED; index++) expect(carry(index)).toBe(true)
    expect(carry(-1)).toBe(false)
    expect(tabs.at(-1)!.heard).toEqual([])
    await tabs.at(-1)!.hears(MAX_CARRIED + 1)
    expect(textOf(tabs.at(-1)!)).toEqual(
      Array.from({ length: MAX_CARRIED + 1 }, (_, index) => `["e",${index}]`),
    )
    expect(carry(0)).toBe(true)
  })
})

test('an event has as many bytes as allowed, and no more', () => {
  const text = 'x'.repeat(MAX_CARRIED_BYTES - 8)
  expect(carriedEvent('e', [text]).packet).toHaveLength(MAX_CARRIED_BYTES)
  expect(() => carriedEvent('e', [`${text}x`])).toThrow(RangeError)
})

test('the name of an event is text of some length that means nothing else', () => {
  expect(faultOfEvent('x'.repeat(MAX_EVENT_LENGTH))).toBeUndefined()
  for (const name of ['x'.repeat(MAX_EVENT_LENGTH + 1), '', 42, undefined, 'connect', 'position'])
    expect(faultOfEvent(name)).toMatch(/^must /)
})
