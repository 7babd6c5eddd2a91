import { describe, expect, test } from 'vitest'
import type { PendingWebhook } from '../../src/core/engine/webhook-queue.ts'
import type { Item } from '../../src/core/model/item.ts'
import { afterLook } from '../../src/webhooks/next-look.ts'

const NOW = 1_800_000_000_000
const MINUTE = 60_000

const webhook = (changes: Partial<PendingWebhook> = {}): PendingWebhook => ({
  ...{ id: 'x', user: 'ada', version: 1, events: ['delivered', 'read'] },
  ...{ looks: 0, unsent: [], failures: 0, retryAt: 0 },
  ...changes,
})

const item = (lasts: number): Item => ({
  ...{
    id: 'x',
    version: 1,
    type: 'message',
    category: undefined,
    seq: 1,
    tag: undefined,
    progressState: 'none',
  },
  createdAt: new Date(NOW - 1000).toISOString(),
  updatedAt: new Date(NOW - 1000).toISOString(),
  expiresAt: new Date(NOW + lasts).toISOString(),
  ...{ deliveredAt: undefined, seenAt: undefined, readAt: undefined, archivedAt: undefined },
  ...{ connections: 1, content: '' },
})

/** In how many milliseconds the next look comes. */
const pauseAfter = (one: PendingWebhook, lasts = 100_000_000): number =>
  afterLook(one, item(lasts), NOW)!.at - NOW

describe('the next look', () => {
  test.each([
    [0, 1],
    [1, 2],
    [5, 32],
    [6, 60],
    [500, 60],
  ])('after %i looks without a word comes in %i minutes', (looks, minutes) => {
    expect(pauseAfter(webhook({ looks }))).toBe(minutes * MINUTE)
  })

  test('comes at the time at which it counts as undelivered, or is gone', () => {
    const events: PendingWebhook['events'] = ['undelivered']
    expect(pauseAfter(webhook({ events, undeliveredAt: NOW + 5000 }))).toBe(5000)
    expect(pauseAfter(webhook({ events, undeliveredAt: NOW + 5 * MINUTE }))).toBe(MINUTE)
    expect(pauseAfter(webhook({ events, undeliveredAt: NOW + MINUTE }), 7000)).toBe(7001)
    // What outlives its time is not looked at all the time.
    expect(pauseAfter(webhook({ events, undeliveredAt: NOW + 5 * MINUTE }), -1)).toBe(MINUTE)
  })

  test('what is found is sent now, but not before a try that failed may be repeated', () => {
    const events: PendingWebhook['events'] = ['undelivered']
    const due = webhook({ events, undeliveredAt: NOW })
    expect(afterLook(due, item(MINUTE), NOW)).toMatchObject({ at: NOW, webhook: { events: [] } })
    const waiting = { ...due, unsent: [{ event: 'read' as const, at: 'then' }], retryAt: NOW + 9 }
    expect(afterLook(waiting, item(MINUTE), NOW)).toMatchObject({
      at: NOW + 9,
      webhook: { unsent: [{ event: 'read' }, { event: 'undelivered' }] },
    })
  })

  test('there is none when nothing can happen any more', () => {
    expect(afterLook(webhook(), undefined, NOW)).toBeUndefined()
    expect(afterLook(webhook({ version: 9 }), item(MINUTE), NOW)).toBeUndefined()
  })
})
