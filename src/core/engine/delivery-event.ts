import type { Item } from '../model/item.ts'
import type { WebhookEvent } from '../model/webhook.ts'

/** An event of a notification that a webhook reports. */
export interface DeliveryEvent {
  event: WebhookEvent
  /** RFC 3339 in UTC. */
  at: string
  /** The reason why it counts as undelivered: its time was over, or it expired or was removed before. */
  reason?: 'timeout' | 'removed'
}

/**
 * The events of `wanted` that have happened by `now` (milliseconds since the epoch), in the order in which they are reported, and those that
 * can still happen (`open`). `item`: the notification as it stands; undefined if it is gone, and then `deliveredAt` says whether it was
 * delivered before. Only the version for which the webhook was asked counts: a later one has a webhook of its own, or none.
 */
export function deliveryEventsOf(
  item: Item | undefined,
  wanted: { version: number; events: readonly WebhookEvent[]; undeliveredAt?: number; deliveredAt?: string },
  now: number,
): { happened: DeliveryEvent[]; open: WebhookEvent[] } {
  const { version, events, undeliveredAt = Number.POSITIVE_INFINITY, deliveredAt } = wanted
  if (item === undefined) {
    const last: DeliveryEvent =
      deliveredAt === undefined
        ? { event: 'undelivered', at: new Date(now).toISOString(), reason: 'removed' }
        : { event: 'delivered', at: deliveredAt }
    return { happened: events.includes(last.event) ? [last] : [], open: [] }
  }
  if (item.version !== version) return { happened: [], open: [] }
  const delivered = deliveryOf(item)
  const read = ofThisVersion(item, item.readAt)
  const happened: DeliveryEvent[] = []
  if (delivered !== undefined) happened.push({ event: 'delivered', at: delivered })
  else if (now >= undeliveredAt)
    happened.push({ event: 'undelivered', at: new Date(undeliveredAt).toISOString(), reason: 'timeout' })
  if (read !== undefined) happened.push({ event: 'read', at: read })
  const over = new Set(happened.map(({ event }) => event))
  if (delivered !== undefined) over.add('undelivered')
  return {
    happened: happened.filter(({ event }) => events.includes(event)),
    open: events.filter((event) => !over.has(event)),
  }
}

/** The time of its delivery: what was seen or read was delivered, even if no tab acknowledged it. */
function deliveryOf(item: Item): string | undefined {
  const times = [item.deliveredAt, ofThisVersion(item, item.seenAt), ofThisVersion(item, item.readAt)]
  return times.filter((time) => time !== undefined).sort()[0]
}

/** The time, if it is one of this version: a replacement keeps the times of its predecessor. */
const ofThisVersion = ({ updatedAt }: Item, time: string | undefined): string | undefined =>
  time !== undefined && time >= updatedAt ? time : undefined
