import { deliveryEventsOf } from '../core/engine/delivery-event.ts'
import type { NextWebhook, PendingWebhook } from '../core/engine/webhook-queue.ts'
import type { Item } from '../core/model/item.ts'

/** Milliseconds before the first look that nobody asked for, and the most before any other: they double each time. */
const FIRST_PAUSE = 60_000
const LONGEST_PAUSE = 3_600_000

/**
 * The webhook after a look at its notification at `now`, in milliseconds since the epoch: what was found is to be sent, and the rest is looked
 * at again. `item` is undefined if the notification is gone; the result is undefined if the webhook has ended.
 */
export function afterLook(webhook: PendingWebhook, item: Item | undefined, now: number): NextWebhook {
  const { happened, open } = deliveryEventsOf(item, webhook, now)
  const unsent = [...webhook.unsent, ...happened]
  const next: PendingWebhook = { ...webhook, unsent, events: open, looks: webhook.looks + 1 }
  if (unsent.length > 0) return { webhook: next, at: Math.max(now, webhook.retryAt) }
  return item === undefined || open.length === 0
    ? undefined
    : { webhook: next, at: nextLook(next, item.expiresAt, now) }
}

/**
 * The time of the next look. An acknowledgement or a read makes the webhook due at once; this is for when that got lost, and for what only
 * time decides.
 */
function nextLook({ looks, events, undeliveredAt }: PendingWebhook, expiresAt: string, now: number): number {
  const pause = Math.min(FIRST_PAUSE * 2 ** (looks - 1), LONGEST_PAUSE)
  if (!events.includes('undelivered')) return now + pause
  const ends = [undeliveredAt!, Date.parse(expiresAt) + 1].filter((end) => end > now)
  return Math.min(now + pause, ...ends)
}
