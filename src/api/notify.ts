import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Publisher } from '../core/publisher.ts'
import type { Access } from './credentials.ts'
import type { ApiCounts } from './metrics.ts'
import { answerPublished, publishOptionsOf } from './published.ts'
import { refusePrefer, wantId } from './requests.ts'
import { publishHeaders, tagParams, userParams } from './schemas/common.ts'
import { notificationBody, notified, replaced, taggedBody } from './schemas/notification.ts'
import { bodyProblems, problems } from './schemas/problem.ts'

/** `POST /notify/:user` and `PUT /notify/:user/:tag`. */
export function registerNotify(
  app: FastifyInstance,
  { access, publisher, counts }: { access: Access; publisher: Publisher; counts: ApiCounts },
): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  typed.post(
    '/notify/:user',
    {
      onRequest: access('notify:write'),
      schema: {
        operationId: 'notify',
        tags: ['notifications'],
        summary: 'Notify one user',
        description:
          'Shown in every tab of the user, once and in order. With a `tag` that is known it replaces that notification, and answers 200. Wants the scope `notify:write`.',
        params: userParams,
        headers: publishHeaders,
        body: notificationBody,
        response: { 200: replaced, 201: notified, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => {
      refusePrefer(request.headers.prefer)
      const user = wantId(request.params.user, '/user')
      return answerPublished(
        reply,
        await publisher.notify(user, request.body, publishOptionsOf(request)),
        counts,
      )
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
      refusePrefer(request.headers.prefer)
      const { user, idOrTag: tag } = request.params
      const input = { ...request.body, tag }
      return answerPublished(
        reply,
        await publisher.notify(wantId(user, '/user'), input, publishOptionsOf(request)),
        counts,
      )
    },
  )
}
