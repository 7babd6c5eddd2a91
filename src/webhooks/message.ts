import type { DeliveryEvent } from '../core/engine/delivery-event.ts'
import type { PendingWebhook } from '../core/engine/webhook-queue.ts'

/** The message that a backend receives. */
export interface Message {
  /** The same for every try, so that the receiver can tell a repeat. */
  id: string
  /** In JSON. */
  body: string
  /** The place in the trace of the call that asked for the webhook (W3C Trace Context). */
  traceparent?: string
}

/** Writes an event of a notification as a message of Standard Webhooks. */
export function messageOf(
  { id, version, user, tag, traceparent }: PendingWebhook,
  { event, at, reason }: DeliveryEvent,
): Message {
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    id: `${id}.${version}.${event}`,
    body: JSON.stringify({
      type: `notification.${event}`,
      timestamp: at,
      data: { user, id, tag, version, reason },
    }),
  }
}
