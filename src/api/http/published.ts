import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PublishOptions } from '../../core/drafts/draft.ts'
import type { Published } from '../../core/engine/broker.ts'
import type { ApiCounts } from './metrics.ts'
import { traceparentOf } from './requests.ts'

interface PublishHeaders {
  'Idempotency-Key'?: string
  'X-Socket-ID'?: string
  traceparent?: string
}

/** The options of a publish, from the headers of its request, which the schema `publishHeaders` has checked. */
export function publishOptionsOf({
  credential,
  headers,
}: FastifyRequest<{ Headers: PublishHeaders }>): PublishOptions {
  const { 'idempotency-key': idempotencyKey, 'x-socket-id': exceptConnection } = headers
  return {
    credential,
    idempotencyKey: idempotencyKey as string | undefined,
    exceptConnection: exceptConnection as string | undefined,
    traceparent: traceparentOf(headers.traceparent),
  }
}

/** The fields of an answer that say what became of a notification. */
export function outcomeOf({ id, seq, epoch, connections, upsert }: Published) {
  const { version, created, applied } = upsert ?? { version: 1, created: true, applied: true }
  const fields = applied ? { version, created, connections } : { version, created, applied, connections }
  return seq === 0 ? { id, ...fields } : { id, seq, epoch, ...fields }
}

/** Counts a notification for the metrics, or the replay of an earlier answer. */
export function countPublished({ replayed }: Pick<Published, 'replayed'>, counts: ApiCounts): void {
  if (replayed) counts.replays++
  else counts.notifications++
}

/** The status of an answer: 201 if the notification is new, 200 if its tag was known. */
export const statusOf = ({ upsert }: Published): 200 | 201 => (upsert?.created === false ? 200 : 201)

/** Answers a call that published one notification; returns the body. */
export function answerPublished(
  reply: FastifyReply,
  published: Published,
  counts: ApiCounts,
): ReturnType<typeof outcomeOf> {
  countPublished(published, counts)
  if (published.replayed) reply.header('idempotent-replayed', 'true')
  reply.code(statusOf(published))
  return outcomeOf(published)
}

/** Answers 202 to a call whose notification is kept until `at`, in milliseconds since the epoch; returns the body. */
export function answerKept(
  reply: FastifyReply,
  kept: Pick<Published, 'id' | 'replayed'>,
  at: number,
  counts: ApiCounts,
): { id: string; sendAt: string } {
  countPublished(kept, counts)
  if (kept.replayed) reply.header('idempotent-replayed', 'true')
  reply.code(202)
  return { id: kept.id, sendAt: new Date(at).toISOString() }
}
