import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Publisher } from '../core/publisher.ts'
import type { Access } from './credentials.ts'
import type { ApiCounts } from './metrics.ts'
import { refusePrefer, wantId } from './requests.ts'
import { publishHeaders, userParams } from './schemas/common.ts'
import { notificationBody, notified } from './schemas/notification.ts'
import { bodyProblems, problems } from './schemas/problem.ts'
import { refusal } from './validation-faults.ts'

/** `POST /notify/:user`. */
export function registerNotify(
  app: FastifyInstance,
  { access, publisher, counts }: { access: Access; publisher: Publisher; counts: ApiCounts },
): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/notify/:user',
    {
      onRequest: access('notify:write'),
      schema: {
        operationId: 'notify',
        tags: ['notifications'],
        summary: 'Notify one user',
        description: 'Shown in every tab of the user, once and in order. Wants the scope `notify:write`.',
        params: userParams,
        headers: publishHeaders,
        body: notificationBody,
        response: { 201: notified, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => {
      const { body, headers } = request
      refusePrefer(headers.prefer)
      if (body.renotify === true)
        throw refusal('unsupported_field', [
          { pointer: '/renotify', detail: 'wants a tag, which is not supported yet' },
        ])
      const { id, seq, epoch, connections, replayed } = await publisher.notify(
        wantId(request.params.user, '/user'),
        body,
        {
          credential: request.credential,
          idempotencyKey: headers['idempotency-key'],
          exceptConnection: headers['x-socket-id'],
        },
      )
      if (replayed) {
        counts.replays++
        reply.header('idempotent-replayed', 'true')
      } else counts.notifications++
      reply.code(201)
      const created = { version: 1, created: true, connections }
      return seq === 0 ? { id, ...created } : { id, seq, epoch, ...created }
    },
  )
}
