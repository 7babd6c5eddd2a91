import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { type Static, Type } from 'typebox'
import { type InboxPage, type InboxQuery, STATES } from '../../core/engine/inbox.ts'
import type { Inboxes, MarkInput } from '../../core/inbox/inboxes.ts'
import { decodeInboxCursor } from '../../core/inbox/page-cursor.ts'
import { writeItems } from '../../core/inbox/page-text.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { DEFAULT_INBOX_PAGE } from '../../core/model/limits.ts'
import { readNumbers, wantItem, wantTime } from '../http/requests.ts'
import { refusal } from '../http/validation-faults.ts'
import { inbox, inboxCounts, inboxQuery, markBody, marked, ownItemParams } from '../schemas/me.ts'
import { problems } from '../schemas/problem.ts'

/** The most bytes of a page, however many notifications were asked for. */
const MAX_PAGE_BYTES = 1_048_576

/** The part of the schema that all routes here share: the token of a user opens them, and no key of a backend. */
const common = { tags: ['inbox'], security: [{ userToken: [] }] }

interface MeOptions {
  /** Lets only the holders of a browser token through. */
  access: onRequestAsyncHookHandler
  inboxes: Inboxes
}

/** Registers the routes of the inbox of the user whose token is sent: everything below `/me/notifications`. */
export function registerMe(app: FastifyInstance, options: MeOptions): void {
  registerList(app, options)
  registerCount(app, options)
  registerMark(app, options)
  registerRemove(app, options)
}

function registerList(app: FastifyInstance, { access, inboxes }: MeOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/me/notifications',
    {
      onRequest: access,
      preValidation: readNumbers('limit'),
      schema: {
        ...common,
        operationId: 'listInbox',
        summary: 'List the notifications of the user',
        description:
          'Newest first. A page that becomes too large ends before `limit`; the next one goes on from there.',
        querystring: inboxQuery,
        response: { 200: inbox, ...problems(400, 401, 503) },
      },
    },
    async ({ tabUser, query }, reply) => {
      const page = await inboxes.list(tabUser, queryOf(query))
      // As text: parsed, numbers that a double cannot hold would be changed.
      return reply.type('application/json').send(textOf(page) as never)
    },
  )
}

function registerCount(app: FastifyInstance, { access, inboxes }: MeOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/me/notifications/count',
    {
      onRequest: access,
      schema: {
        ...common,
        operationId: 'countInbox',
        summary: 'Count what is unread and unseen',
        response: { 200: inboxCounts, ...problems(401, 503) },
      },
    },
    ({ tabUser }) => inboxes.counts(tabUser),
  )
}

function registerMark(app: FastifyInstance, { access, inboxes }: MeOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/me/notifications/mark',
    {
      onRequest: access,
      schema: {
        ...common,
        operationId: 'markInbox',
        summary: 'Mark notifications as seen, read or archived, or no longer',
        description: 'Every tab of the user receives `notification:state` if something changes.',
        body: markBody,
        response: { 200: marked, ...problems(400, 401, 413, 415, 503) },
      },
    },
    ({ tabUser, body }) => inboxes.mark(tabUser, markOf(body)),
  )
}

function registerRemove(app: FastifyInstance, { access, inboxes }: MeOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().delete(
    '/me/notifications/:idOrTag',
    {
      onRequest: access,
      schema: {
        ...common,
        operationId: 'removeFromInbox',
        summary: 'Remove a notification',
        description: 'Gone for good: every tab of the user receives `notification:removed`.',
        params: ownItemParams,
        response: { 204: Type.Null({ description: 'Removed.' }), ...problems(400, 401, 404, 503) },
      },
    },
    async ({ tabUser, params }, reply) => {
      if (!(await inboxes.withdraw(tabUser, wantItem(params.idOrTag))))
        throw new ServiceError('not_found', 'there is no notification with this id or tag')
      return reply.code(204).send(null)
    },
  )
}

function queryOf({ cursor, limit = DEFAULT_INBOX_PAGE, ...filters }: Static<typeof inboxQuery>): InboxQuery {
  const before = cursor === undefined ? undefined : decodeInboxCursor(cursor)
  if (cursor !== undefined && before === undefined)
    throw refusal('invalid_request', [{ pointer: '/cursor', detail: 'is not a nextCursor of this server' }])
  const { status, category, type, tag } = filters
  return { status, category, type, tag, before, limit }
}

function textOf(page: InboxPage): string {
  const { texts, nextCursor = null } = writeItems(page, MAX_PAGE_BYTES)
  const { unread, unseen, seq, epoch } = page
  return `{"items":[${texts.join()}],${JSON.stringify({ nextCursor, unread, unseen, seq, epoch }).slice(1)}`
}

/** The input of `mark`. Throws `invalid_request` for what a schema cannot check with a pointer to the field. */
function markOf(body: Static<typeof markBody>): MarkInput {
  const { ids, all, before } = body
  const given = STATES.filter((name) => body[name] !== undefined)
  const [state] = given
  if (state === undefined || given.length > 1)
    throw refuse('', `must have exactly one of ${STATES.join(', ')}`)
  if ((ids === undefined) === (all === undefined)) throw refuse('', 'must have exactly one of ids, all')
  const input = { state, value: body[state]! }
  if (ids !== undefined) {
    if (before !== undefined) throw refuse('/before', 'wants all')
    return { ...input, ids: ids.map(wantItem) }
  }
  if (before === undefined) return input
  wantTime(before, '/before')
  return { ...input, before }
}

const refuse = (pointer: string, detail: string): ServiceError =>
  refusal('invalid_request', [{ pointer, detail }])
