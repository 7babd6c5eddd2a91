import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { EVERYTHING, type Inboxes } from '../../core/inbox/inboxes.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Item } from '../../core/model/item.ts'
import type { Scheduler } from '../../core/publishing/scheduler.ts'
import type { Access } from '../auth/credentials.ts'
import { wantId, wantItem } from '../http/requests.ts'
import { itemParams } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'
import { receipt, waiting } from '../schemas/receipt.ts'

interface ReceiptsOptions {
  access: Access
  inboxes: Inboxes
  scheduler: Scheduler
}

/** Registers `GET` and `DELETE /notify/:user/:idOrTag`. */
export function registerReceipts(app: FastifyInstance, options: ReceiptsOptions): void {
  registerReceipt(app, options)
  registerWithdrawal(app, options)
}

function registerReceipt(app: FastifyInstance, { access, inboxes, scheduler }: ReceiptsOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/notify/:user/:idOrTag',
    {
      onRequest: access('notify:read'),
      schema: {
        operationId: 'getReceipt',
        tags: ['notifications'],
        summary: 'Ask how far a notification has come',
        description:
          'Stored, sent, delivered, seen, read; for a scheduled one, only when it is due. With `ttl: 0` there is none, since nothing was stored. Wants the scope `notify:read`.',
        params: itemParams('welcome'),
        response: { 200: Type.Union([receipt, waiting]), ...problems(400, 401, 403, 404, 503) },
      },
    },
    async ({ params }) => {
      const user = wantId(params.user, '/user')
      // Read first: if the store is replaced in between, the answer has the old epoch, with which the new seq proves nothing.
      const { epoch } = await inboxes.list(user, { ...EVERYTHING, limit: 0 })
      const wanted = wantItem(params.idOrTag)
      const item = await inboxes.find(user, wanted)
      if (item !== undefined) return receiptOf(item, epoch)
      const scheduled = await scheduler.find(user, wanted)
      if (scheduled === undefined) throw notFound()
      return { id: scheduled.draft.id, sendAt: new Date(scheduled.at).toISOString() }
    },
  )
}

function registerWithdrawal(app: FastifyInstance, { access, inboxes, scheduler }: ReceiptsOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().delete(
    '/notify/:user/:idOrTag',
    {
      onRequest: access('notify:write'),
      schema: {
        operationId: 'withdrawNotification',
        tags: ['notifications'],
        summary: 'Withdraw a notification, or cancel a scheduled one',
        description:
          'Taken out of the inbox and of every tab, which receives `notification:removed`. Wants the scope `notify:write`.',
        params: itemParams('export-41'),
        response: {
          204: Type.Null({ description: 'Withdrawn.' }),
          ...problems(400, 401, 403, 404, 503),
        },
      },
    },
    async ({ params }, reply) => {
      const user = wantId(params.user, '/user')
      const wanted = wantItem(params.idOrTag)
      // Cancelled first: if it was published a moment before, it is withdrawn.
      const cancelled = await scheduler.cancel(user, wanted)
      if (!(await inboxes.withdraw(user, wanted)) && !cancelled) throw notFound()
      return reply.code(204).send(null)
    },
  )
}

const notFound = (): ServiceError =>
  new ServiceError(
    'not_found',
    'the user has no notification with this id or tag: it may have expired, or been removed',
  )

function receiptOf(item: Item, epoch: string) {
  const { id, tag, version, seq, createdAt, updatedAt, expiresAt, connections } = item
  return {
    id,
    ...(tag === undefined ? {} : { tag }),
    version,
    seq,
    epoch,
    stored: { at: updatedAt },
    // Sent as soon as it was stored.
    sent: { at: updatedAt, connections },
    delivered: at(item.deliveredAt),
    seen: at(item.seenAt),
    read: at(item.readAt),
    archived: at(item.archivedAt),
    createdAt,
    expiresAt,
  }
}

const at = (time: string | undefined): { at: string } | null => (time === undefined ? null : { at: time })
