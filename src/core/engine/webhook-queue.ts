import type { WebhookEvent } from '../model/webhook.ts'
import type { DeliveryEvent } from './delivery-event.ts'

/**
 * A webhook that has something to report, or may have later. It says which events to look for; what has happened is in the inbox, as long as
 * that has the notification.
 */
export interface PendingWebhook {
  /** The id of the notification. */
  id: string
  user: string
  tag?: string
  version: number
  /** The URL to call; undefined for the operator's. */
  url?: string
  /** The backend's trace context (W3C Trace Context). */
  traceparent?: string
  /** The events that have not happened yet. */
  events: WebhookEvent[]
  /** The time at which it counts as undelivered, in milliseconds since the epoch. */
  undeliveredAt?: number
  /** The time of the delivery, if it was noted: RFC 3339 in UTC. It counts only when the notification itself is gone. */
  deliveredAt?: string
  /** The number of times that it has been looked at. */
  looks: number
  /** The events that happened and are still to be sent, in this order. */
  unsent: DeliveryEvent[]
  /** The number of times that sending the first of them has failed. */
  failures: number
  /** The time before which it is not to be sent again, in milliseconds since the epoch. */
  retryAt: number
}

/** A webhook that one process has taken for a while. */
export interface TakenWebhook {
  webhook: PendingWebhook
  /** Names this taking. */
  token: string
}

/** The webhook as it is given back, due at `at` (milliseconds since the epoch); undefined if it has ended. */
export type NextWebhook = { webhook: PendingWebhook; at: number } | undefined

/**
 * The pending webhooks, kept by the store. Times are milliseconds since the epoch. Nothing here looks at the inbox or sends: that is for the
 * process that takes what is due. If it dies, nothing is lost: the webhook is due again when the time is over for which it was taken.
 */
export interface WebhookQueue {
  /**
   * Keeps a webhook that is due at a time. It replaces one of the same notification with a lower version; otherwise the one that is there stays.
   * A replaced one that still has events to send stays beside the new one as it is, is no longer hastened, and ends when they are sent.
   */
  put(webhook: PendingWebhook, at: number): Promise<void>

  /** Takes what is due at `now`, the oldest first, at most `limit`: no other process receives them before `until`, unless they are given back. */
  take(now: number, until: number, limit: number): Promise<TakenWebhook[]>

  /**
   * Makes the webhooks of these notifications due now, or as soon as they are given back, since something has happened to them. Notifications
   * without a webhook are ignored. `deliveredAt` (RFC 3339 in UTC) is noted in those that have no such time yet, for the process that takes them
   * next: the notification may be gone by then. A webhook that is given back is as its taker says, with or without the note.
   */
  hasten(ids: readonly string[], now: number, deliveredAt?: string): Promise<void>

  /**
   * Gives back a webhook that was taken, or ends it. Resolves to false, and does nothing, if it was replaced when it had nothing to send, or was
   * taken by another process meanwhile.
   */
  giveBack(taken: TakenWebhook, next: NextWebhook, now: number): Promise<boolean>
}
