import { deliveryEventsOf } from '../core/engine/delivery-event.ts'
import type { NextWebhook, PendingWebhook } from '../core/engine/webhook-queue.ts'
import type { Item } from '../core/model/item.ts'

/** Looks that nobody asked for come after so many milliseconds, doubling, and at least so often. */
const FIRST_PAUSE = 60_000
const LONGEST_PAUSE = 3_600_000

/** What a webhook is after a look at its notification (undefined: it is gone): what was found is to be told, and the rest looked at again. */
export function afterLook(webhook: PendingWebhook, item: Item | undefined, now: number): NextWebhook {
  const { happened, open } = deliveryEventsOf(item, webhook, now)
  const unsent = [...webhook.unsent, ...happened]
  const next: PendingWebhook = { ...webhook, unsent, events: open, looks: webhook.looks + 1 }
  if (unsent.length > 0) return { webhook: next, at: Math.max(now, webhook.retryAt) }
  return item === undefined || open.length === 0
    ? undefined
    : { webhook: next, at: nextLook(next, item.expiresAt, now) }
}

/** Who acknowledges or reads says so, and the look comes at once: this is for when that word was lost, and for what time alone decides. */
function nextLook({ looks, events, undeliveredAt }: PendingWebhook, expiresAt: string, now: number): number {
  const pause = Math.min(FIRST_PAUSE * 2 ** (looks - 1), LONGEST_PAUSE)
  if (!events.includes('undelivered')) return now + pause
  const ends = [undeliveredAt!, Date.parse(expiresAt) + 1].filter((end) => end > now)
  return Math.min(now + pause, ...ends)
}
