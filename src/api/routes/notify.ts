import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PublishOptions } from '../../core/drafts/draft.ts'
import type { AckWaiters } from '../../core/inbox/ack-waiters.ts'
import type { NotificationInput } from '../../core/model/notification.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { answerKept, answerPublished, type outcomeOf, publishOptionsOf } from '../http/published.ts'
import { preferredWait, wantId, wantTime } from '../http/requests.ts'
import { publishHeaders, tagParams, userParams } from '../schemas/common.ts'
import { notificationBody, taggedBody } from '../schemas/notification.ts'
import { notified, replaced, scheduled } from '../schemas/notified.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'

export interface NotifyOptions {
  access: Access
  publisher: Publisher
  ackWaiters: AckWaiters
  counts: ApiCounts
}

/** `POST /notify/:user` and `PUT /notify/:user/:tag`. */
export function registerNotify(
  app: FastifyInstance,
  { access, publisher, ackWaiters, counts }: NotifyOptions,
): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  /** Publishes, and waits for a tab if the caller prefers that. */
  const notify = async (
    user: string,
    input: NotificationInput,
    options: PublishOptions,
    { headers }: FastifyRequest,
    reply: FastifyReply,
  ): Promise<ReturnType<typeof outcomeOf> & { delivered?: boolean }> => {
    const seconds = input.ttl === 0 ? undefined : preferredWait(headers.prefer)
    if (seconds === undefined)
      return answerPublished(reply, await publisher.notify(user, input, options), counts)
    await ackWaiters.listen()
    const published = await publisher.notify(user, input, { ...options, waiter: ackWaiters.name })
    const answer = answerPublished(reply, published, counts)
    reply.header('preference-applied', `wait=${seconds}`)
    // What an earlier call has stored names the process of that one.
    const isNamed = !published.replayed && published.upsert?.applied !== false
    return { ...answer, delivered: await ackWaiters.wait(user, published.id, seconds, isNamed) }
  }

  /** Keeps it for later. What was to be sent by now is sent now, unless an earlier call with its key has kept it. */
  const schedule = async (
    user: string,
    input: NotificationInput,
    options: PublishOptions,
    at: number,
    reply: FastifyReply,
  ): Promise<{ id: string; sendAt: string } | ReturnType<typeof outcomeOf>> => {
    if (at > Date.now())
      return answerKept(reply, await publisher.schedule(user, input, at, options), at, counts)
    const published = await publisher.notify(user, input, { ...options, sendAt: at })
    // What was kept had no seq when it was answered, and neither has what is only carried, which is never kept.
    const wasKept = published.replayed && published.seq === 0 && input.ttl !== 0
    return wasKept ? answerKept(reply, published, at, counts) : answerPublished(reply, published, counts)
  }

  typed.post(
    '/notify/:user',
    {
      onRequest: access('notify:write'),
      schema: {
        operationId: 'notify',
        tags: ['notifications'],
        summary: 'Notify one user',
        description:
          'Shown in every tab of the user, once and in order. With a `tag` that is known it replaces that notification, and answers 200; with `sendAt` it is kept until then, and answers 202. Wants the scope `notify:write`.',
        params: userParams,
        headers: publishHeaders,
        body: notificationBody,
        response: { 200: replaced, 201: notified, 202: scheduled, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => {
      const user = wantId(request.params.user, '/user')
      const { sendAt, ...input } = request.body
      const options = publishOptionsOf(request)
      return sendAt === undefined
        ? notify(user, input, options, request, reply)
        : schedule(user, input, options, wantTime(sendAt, '/sendAt'), reply)
    },
  )

  typed.put(
    '/notify/:user/:idOrTag',
    {
      onRequest: access('notify:write'),
      schema: {
        operationId: 'putNotification',
        tags: ['notifications'],
        summary: 'Create or replace the notification with a tag',
        description:
          'The same as POST with that `tag`: made for loops that tell of their progress. Wants the scope `notify:write`.',
        params: tagParams('export-42'),
        headers: publishHeaders,
        body: taggedBody,
        response: { 200: replaced, 201: notified, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => {
      const { user, idOrTag: tag } = request.params
      const input = { ...request.body, tag }
      return notify(wantId(user, '/user'), input, publishOptionsOf(request), request, reply)
    },
  )
}
