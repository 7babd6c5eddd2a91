import type { WebhookEvent } from '../model/webhook.ts'
import type { DeliveryEvent } from './delivery-event.ts'

/** A notification whose backend wants to hear what becomes of it. It says what to look for: the truth is the inbox, while it has it. */
export interface PendingWebhook {
  /** Of the notification. */
  id: string
  user: string
  tag?: string
  version: number
  /** Where to tell it; undefined for where the operator said. */
  url?: string
  /** The place in its backend's trace. */
  traceparent?: string
  /** What has not happened yet. */
  events: WebhookEvent[]
  /** When it counts as undelivered, in milliseconds since the epoch. */
  undeliveredAt?: number
  /** When it came to somebody, as far as that was noted: RFC 3339 in UTC. It counts where there is no notification any more to be asked. */
  deliveredAt?: string
  /** How often it has been looked at. */
  looks: number
  /** What happened and is still to be told, in this order. */
  unsent: DeliveryEvent[]
  /** How often the first of them could not be told. */
  failures: number
  /** Not to be told again before this time, in milliseconds since the epoch. */
  retryAt: number
}

/** A webhook that one process has for a while. */
export interface TakenWebhook {
  webhook: PendingWebhook
  /** Which taking this was. */
  token: string
}

/** What a webhook is to be when it is given back: undefined if it has ended. */
export type NextWebhook = { webhook: PendingWebhook; at: number } | undefined

/**
 * The webhookQueue, kept by the store. Times are milliseconds since the epoch. Nothing here looks or tells: that is for whoever takes what is due.
 * A process that dies with a webhook loses nothing: it is due again when the time is over for which it was taken.
 */
export interface WebhookQueue {
  /**
   * Keeps a webhook that is due at a time, instead of one of the same notification with a lower version; else the one that is there stays. What
   * a replaced one has still to tell is told all the same: it stays beside the new one as it is, is not hastened any more, and has ended when
   * that is told.
   */
  put(webhook: PendingWebhook, at: number): Promise<void>

  /** Takes what is due at `now`, the oldest first, so many at most: nobody else gets them before `until`, unless they are given back. */
  take(now: number, until: number, limit: number): Promise<TakenWebhook[]>

  /**
   * Something has happened to these notifications: what is hasWebhook of them is due now, or as soon as it is given back. Others are ignored.
   * `deliveredAt` is noted with those that have no such time yet, for whoever takes them next: the notification may be gone by then. Of a
   * webhook that is given back counts what its taker says.
   */
  hasten(ids: readonly string[], now: number, deliveredAt?: string): Promise<void>

  /**
   * Gives back what was taken, to be due at another time, or ends it. Resolves to false, and does nothing, if it has been replaced with nothing
   * to tell, or taken by another meanwhile.
   */
  giveBack(taken: TakenWebhook, next: NextWebhook, now: number): Promise<boolean>
}
