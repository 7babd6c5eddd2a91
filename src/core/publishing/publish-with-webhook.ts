import type { Published } from '../engine/broker.ts'
import type { Engine } from '../engine/engine.ts'
import type { PendingWebhook, WebhookQueue } from '../engine/webhook-queue.ts'
import { idOfChannel } from '../model/channel.ts'
import type { Draft } from '../model/publication.ts'

/** The time until the first look at a new webhook, in milliseconds: a tab may acknowledge before there is a webhook to be hastened. */
const FIRST_LOOK = 1000

/**
 * Stores a draft, and then its webhook if its backend asked for one. A caller that receives an error repeats the call with its idempotency key,
 * and the webhook is kept then. Rejects like `Broker.publish`.
 */
export function publishWithWebhook({ broker, webhookQueue }: Publishing, draft: Draft): Promise<Published> {
  const publishing = broker.publish(draft)
  if (draft.item?.webhook === undefined) return publishing
  return publishing.then((published) => putWebhook(webhookQueue, draft, published))
}

/** Does the same for drafts that differ in their users alone; resolves like `Broker.publishAll`. */
export async function publishAllWithWebhook(
  { broker, webhookQueue }: Publishing,
  drafts: readonly Draft[],
): Promise<PromiseSettledResult<Published>[]> {
  const results = await broker.publishAll(drafts)
  if (drafts[0]?.item?.webhook === undefined) return results
  return Promise.allSettled(
    results.map((one, index) =>
      one.status === 'fulfilled'
        ? putWebhook(webhookQueue, drafts[index]!, one.value)
        : Promise.reject(one.reason),
    ),
  )
}

type Publishing = Pick<Engine, 'broker' | 'webhookQueue'>

async function putWebhook(queue: WebhookQueue, draft: Draft, published: Published): Promise<Published> {
  const pending = pendingWebhookOf(draft, published)
  if (pending !== undefined) await queue.put(pending, Date.now() + FIRST_LOOK)
  return published
}

function pendingWebhookOf(
  { channel, createdAt, item }: Draft,
  { id, upsert }: Published,
): PendingWebhook | undefined {
  if (item?.webhook === undefined || !upsert?.applied) return undefined
  const { tag, webhook, traceparent } = item
  const { events, undeliveredAfter, url } = webhook
  return {
    ...{ id, user: idOfChannel(channel), version: upsert.version, events },
    ...(tag === undefined ? {} : { tag }),
    ...(url === undefined ? {} : { url }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(undeliveredAfter === undefined ? {} : { undeliveredAt: createdAt + undeliveredAfter * 1000 }),
    ...{ looks: 0, unsent: [], failures: 0, retryAt: 0 },
  }
}
