import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { Broker, LogPage } from '../../core/engine/broker.ts'
import { type Channel, roomChannel } from '../../core/model/channel.ts'
import { payloadTextOf } from '../../core/model/publication.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import { decodeCursor, encodeCursor, type HistoryCursor } from '../http/history-cursor.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { publishOptionsOf } from '../http/published.ts'
import { readNumbers, refuseWait, wantId } from '../http/requests.ts'
import { refusal } from '../http/validation-faults.ts'
import { publishHeaders, roomParams } from '../schemas/common.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'
import { history, historyQuery, messageBody, messaged } from '../schemas/room.ts'

/** The most bytes of a page, however many messages were asked for. */
const MAX_PAGE_BYTES = 1_048_576

interface RoomsOptions {
  access: Access
  publisher: Publisher
  broker: Broker
  counts: ApiCounts
}

/** Registers `POST` and `GET /rooms/:room/messages`. */
export function registerRooms(app: FastifyInstance, options: RoomsOptions): void {
  registerMessage(app, options)
  registerHistory(app, options)
}

function registerMessage(app: FastifyInstance, { access, publisher, counts }: RoomsOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/rooms/:room/messages',
    {
      onRequest: access('rooms:write'),
      schema: {
        operationId: 'sendMessage',
        tags: ['rooms'],
        summary: 'Message a room',
        description: 'Shown in every tab that has subscribed to the room. Wants the scope `rooms:write`.',
        params: roomParams,
        headers: publishHeaders,
        body: messageBody,
        response: { 201: messaged, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => {
      refuseWait(request.headers.prefer)
      const room = wantId(request.params.room, '/room')
      const options = publishOptionsOf(request)
      const { id, seq, epoch, connections, replayed } = await publisher.message(room, request.body, options)
      if (replayed) {
        counts.replays++
        reply.header('idempotent-replayed', 'true')
      } else counts.messages++
      reply.code(201)
      return { id, seq, epoch, connections }
    },
  )
}

function registerHistory(app: FastifyInstance, { access, broker }: RoomsOptions): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/rooms/:room/messages',
    {
      onRequest: access('rooms:read'),
      preValidation: readNumbers('since', 'limit'),
      schema: {
        operationId: 'listMessages',
        tags: ['rooms'],
        summary: 'Read the history of a room',
        description:
          'Without `since` the newest messages, and `nextCursor` goes to older ones; with it everything after, and `nextCursor` goes on. Wants the scope `rooms:read`.',
        params: roomParams,
        querystring: historyQuery,
        response: { 200: history, ...problems(400, 401, 403, 503) },
      },
    },
    async (request, reply) => {
      const channel = roomChannel(wantId(request.params.room, '/room'))
      const text = await readHistory(broker, channel, request.query)
      // As text: parsed, numbers that a double cannot hold would be changed.
      return reply.type('application/json').send(text as never)
    },
  )
}

async function readHistory(
  broker: Broker,
  channel: Channel,
  query: Static<typeof historyQuery>,
): Promise<string> {
  const { limit = 50 } = query
  const start = startOf(query)
  const size = { entries: limit, bytes: MAX_PAGE_BYTES }
  const forward = start !== undefined && 'since' in start
  const page = forward
    ? await broker.since(
        channel,
        { seq: start.since, ...(start.epoch === '' ? {} : { epoch: start.epoch }) },
        size,
      )
    : await broker.latest(channel, start?.before, size)
  return textOf(page, nextOf(page, forward))
}

/** The position at which to begin; undefined for the newest. Throws `invalid_request`. */
function startOf({ since, epoch, cursor }: Static<typeof historyQuery>): HistoryCursor | undefined {
  if (cursor !== undefined) {
    if (since !== undefined || epoch !== undefined)
      throw refusal('invalid_request', [
        { pointer: '/cursor', detail: 'cannot be combined with since and epoch' },
      ])
    return decodeCursor(cursor)
  }
  if (since === undefined) {
    if (epoch !== undefined)
      throw refusal('invalid_request', [{ pointer: '/since', detail: 'is required with epoch' }])
    return undefined
  }
  if (since > 0 && epoch === undefined)
    throw refusal('invalid_request', [{ pointer: '/epoch', detail: 'is required with a since above 0' }])
  return { since, epoch: epoch ?? '' }
}

function nextOf({ complete, end }: LogPage, forward: boolean): string | null {
  if (complete) return null
  return encodeCursor(forward ? { since: end.seq, epoch: end.epoch } : { before: end.seq })
}

function textOf({ publications, head, gap }: LogPage, nextCursor: string | null): string {
  const messages = publications.filter(({ event }) => event === 'message').map(payloadTextOf)
  const rest = JSON.stringify({ ...head, nextCursor, gap })
  return `{"messages":[${messages.join()}],${rest.slice(1)}`
}
