import type { DeliveryEvent } from '../core/engine/delivery-event.ts'
import type { PendingWebhook } from '../core/engine/webhook-queue.ts'

/** What is sent to a backend. */
export interface Message {
  /** The same for every try, so that the receiver can tell a repeat. */
  id: string
  /** JSON. */
  body: string
  /** The place in the trace of the call that asked to be told (W3C Trace Context). */
  traceparent?: string
}

/** Writes what happened to a notification as Standard Webhooks wants it. */
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
