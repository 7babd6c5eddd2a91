import { describe, expect, test } from 'vitest'
import { deliveryEventsOf } from '../../../src/core/engine/delivery-event.ts'
import type { Item } from '../../../src/core/model/item.ts'
import { WEBHOOK_EVENTS } from '../../../src/core/model/webhook.ts'

const time = (second: number): string => new Date(second * 1000).toISOString()

/** Stored at second 10. */
const item = (changes: Partial<Item> = {}): Item => ({
  ...{
    id: 'x',
    version: 2,
    type: 'message',
    category: undefined,
    seq: 7,
    tag: undefined,
    progressState: 'none',
  },
  ...{ createdAt: time(5), updatedAt: time(10), expiresAt: time(1000) },
  ...{ deliveredAt: undefined, seenAt: undefined, readAt: undefined, archivedAt: undefined },
  ...{ connections: 1, content: '"title":"A"' },
  ...changes,
})

const WANTED = { version: 2, events: WEBHOOK_EVENTS, undeliveredAt: 20_000 }
const at = (item: Item | undefined, second: number, wanted = WANTED) =>
  deliveryEventsOf(item, wanted, second * 1000)

const delivered = (second: number) => ({ event: 'delivered', at: time(second) })
const read = (second: number) => ({ event: 'read', at: time(second) })

describe('what happened to a notification', () => {
  test('nothing yet', () => {
    expect(at(item(), 19.999)).toEqual({ happened: [], open: WEBHOOK_EVENTS })
  })

  test('the first acknowledgement delivers it, and then it cannot be undelivered any more', () => {
    const acknowledged = item({ deliveredAt: time(12) })
    for (const now of [12, 100])
      expect(at(acknowledged, now)).toEqual({ happened: [delivered(12)], open: ['read'] })
  })

  test('without one it is undelivered when its time is over, and can still be delivered', () => {
    const undelivered = { event: 'undelivered', at: time(20), reason: 'timeout' }
    for (const now of [20, 25])
      expect(at(item(), now)).toEqual({ happened: [undelivered], open: ['delivered', 'read'] })
  })

  test.each([
    ['seen', item({ seenAt: time(11) }), [delivered(11)]],
    ['read', item({ readAt: time(11) }), [delivered(11), read(11)]],
    ['seen before it was acknowledged', item({ seenAt: time(11), deliveredAt: time(12) }), [delivered(11)]],
    ['read after it', item({ readAt: time(13), deliveredAt: time(12) }), [delivered(12), read(13)]],
  ])('%s: it was delivered by then', (_what, item, happened) => {
    expect(at(item, 50).happened).toEqual(happened)
  })

  test('what a replacement has kept from its predecessor says nothing of it', () => {
    const kept = item({ seenAt: time(9), readAt: time(9.999) })
    expect(at(kept, 15)).toEqual({ happened: [], open: WEBHOOK_EVENTS })
    expect(at(item({ readAt: time(10) }), 15).happened).toEqual([delivered(10), read(10)])
  })

  test('one that is gone is undelivered at once, if it was not delivered before', () => {
    const undelivered = { event: 'undelivered', at: time(15), reason: 'removed' }
    expect(at(undefined, 15)).toEqual({ happened: [undelivered], open: [] })
    expect(at(undefined, 15, { ...WANTED, events: ['delivered', 'read'] })).toEqual({
      happened: [],
      open: [],
    })
  })

  test('one that is gone was delivered, if that was noted before, and is reported so once', () => {
    const noted = { ...WANTED, deliveredAt: time(12) }
    expect(at(undefined, 15, noted)).toEqual({ happened: [delivered(12)], open: [] })
    for (const events of [['undelivered'], ['read']] as const)
      expect(at(undefined, 15, { ...noted, events })).toEqual({ happened: [], open: [] })
  })

  test.each([1, 3])('another version (%i) has a pending webhook of its own, or none', (version) => {
    expect(at(item({ version, deliveredAt: time(12) }), 50)).toEqual({ happened: [], open: [] })
  })

  test('only what was chosen is reported', () => {
    const both = item({ deliveredAt: time(12), readAt: time(13) })
    expect(at(both, 50, { ...WANTED, events: ['read'] })).toEqual({ happened: [read(13)], open: [] })
    expect(at(both, 50, { ...WANTED, events: ['undelivered'] })).toEqual({ happened: [], open: [] })
  })
})
