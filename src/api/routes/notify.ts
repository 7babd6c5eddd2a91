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

/** The parts that the routes work with. */
export interface NotifyOptions {
  access: Access
  publisher: Publisher
  ackWaiters: AckWaiters
  counts: ApiCounts
}

/** Registers `POST /notify/:user` and `PUT /notify/:user/:tag`. */
export function registerNotify(app: FastifyInstance, options: NotifyOptions): void {
  registerPost(app, options)
  registerPut(app, options)
}

function registerPost(app: FastifyInstance, parts: NotifyOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/notify/:user',
    {
      onRequest: parts.access('notify:write'),
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
    (request, reply) => {
      const user = wantId(request.params.user, '/user')
      const { sendAt } = request.body
      if (sendAt === undefined) return notify(callOf(user, request.body, request), reply, parts)
      const { sendAt: _, ...input } = request.body
      return schedule(callOf(user, input, request), wantTime(sendAt, '/sendAt'), reply, parts)
    },
  )
}

function registerPut(app: FastifyInstance, parts: NotifyOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().put(
    '/notify/:user/:idOrTag',
    {
      onRequest: parts.access('notify:write'),
      schema: {
        operationId: 'putNotification',
        tags: ['notifications'],
        summary: 'Create or replace the notification with a tag',
        description:
          'The same as POST with that `tag`: made for loops that report their progress. Wants the scope `notify:write`.',
        params: tagParams('export-42'),
        headers: publishHeaders,
        body: taggedBody,
        response: { 200: replaced, 201: notified, ...bodyProblems(), ...problems(422) },
      },
    },
    (request, reply) => {
      const { user, idOrTag: tag } = request.params
      return notify(callOf(wantId(user, '/user'), { ...request.body, tag }, request), reply, parts)
    },
  )
}

/** A call of either route. */
interface Call {
  user: string
  input: NotificationInput
  options: PublishOptions
  /** The header `Prefer`. */
  prefer: string | string[] | undefined
}

const callOf = (user: string, input: NotificationInput, request: FastifyRequest): Call => ({
  user,
  input,
  options: publishOptionsOf(request),
  prefer: request.headers.prefer,
})

/** Publishes, and waits for a tab if the caller prefers that. */
async function notify(
  { user, input, options, prefer }: Call,
  reply: FastifyReply,
  { publisher, ackWaiters, counts }: NotifyOptions,
): Promise<ReturnType<typeof outcomeOf> & { delivered?: boolean }> {
  const seconds = input.ttl === 0 ? undefined : preferredWait(prefer)
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

/** Keeps a notification until `at`. One whose time has passed is sent now, unless an earlier call with its key has kept it. */
async function schedule(
  { user, input, options }: Call,
  at: number,
  reply: FastifyReply,
  { publisher, counts }: NotifyOptions,
): Promise<{ id: string; sendAt: string } | ReturnType<typeof outcomeOf>> {
  if (at > Date.now())
    return answerKept(reply, await publisher.schedule(user, input, at, options), at, counts)
  const published = await publisher.notify(user, input, { ...options, sendAt: at })
  // What was kept had no seq when it was answered; neither has what is ephemeral, which is never kept.
  const wasKept = published.replayed && published.seq === 0 && input.ttl !== 0
  return wasKept ? answerKept(reply, published, at, counts) : answerPublished(reply, published, counts)
}
