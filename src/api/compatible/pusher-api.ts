import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { draftMessage } from '../../core/drafts/message.ts'
import { draftNotification } from '../../core/drafts/notification.ts'
import { tooDeep } from '../../core/json/depth.ts'
import { parseExact } from '../../core/json/exact-json.ts'
import { refuseProto } from '../../core/json/proto.ts'
import { isFault } from '../../core/lifecycle/faults.ts'
import { isUserChannel } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import { parseBody } from '../http/json-body.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { RETRY_AFTER, toServiceError } from '../http/problem.ts'
import { wantId } from '../http/requests.ts'
import { refusal } from '../http/validation-faults.ts'
import { pusherAnswer, pusherBatch, pusherEvent, pusherParams, pusherQuery } from '../schemas/compatible.ts'
import { checkPusherSignature, type PusherCredentials } from './pusher-signature.ts'

/** The most bytes of the data of an event, as on Pusher itself. */
const MAX_PUSHER_DATA_BYTES = 10_240

/** The most bytes that these are as JSON: each a character that JSON writes as six, such as `\u0001`, between quotes. */
const MAX_JSON_BYTES = 6 * MAX_PUSHER_DATA_BYTES + 2

const USER = '#server-to-user-'

type Event = Static<typeof pusherBatch>['batch'][number]

/** Registers `POST /apps/:app/events` and `/apps/:app/batch_events`, as Pusher's server SDKs call them (Pusher's HTTP API). */
export function registerPusherApi(
  app: FastifyInstance,
  credentials: PusherCredentials,
  { publisher, counts, report }: { publisher: Publisher; counts: ApiCounts; report(error: unknown): void },
): void {
  keepBytes(app)
  answerErrorsAsText(app, counts, report)
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const preValidation = createAuthentication(credentials)
  const publish = createPublish(credentials, publisher, counts)

  typed.post(
    '/apps/:app/events',
    {
      preValidation,
      schema: { ...shared, operationId: 'pusherEvent', summary: "Pusher's trigger", body: pusherEvent },
    },
    async ({ body: { channel, channels, ...event } }) => {
      if ((channel === undefined) === (channels === undefined))
        throw refusal('invalid_request', [
          { pointer: '/channels', detail: 'or /channel is required, and only one of them' },
        ])
      return publish((channels ?? [channel!]).map((name) => ({ ...event, channel: name })))
    },
  )

  typed.post(
    '/apps/:app/batch_events',
    {
      preValidation,
      schema: { ...shared, operationId: 'pusherBatch', summary: "Pusher's triggerBatch", body: pusherBatch },
    },
    async ({ body: { batch } }) => publish(batch),
  )
}

const shared = {
  tags: ['rooms'],
  params: pusherParams,
  querystring: pusherQuery,
  response: { 200: pusherAnswer },
}

/** Leaves a body as it came: the signature is over its bytes, so they are parsed after it has been checked. */
function keepBytes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  )
}

/** As on Pusher, an error is a line of text. */
function answerErrorsAsText(app: FastifyInstance, counts: ApiCounts, report: (error: unknown) => void): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const problem = toServiceError(error)
    const { code, status, temporary, message } = problem
    if (isFault(problem)) report(problem)
    counts.errors[code] = (counts.errors[code] ?? 0) + 1
    if (temporary) reply.header('retry-after', RETRY_AFTER)
    return reply.code(status).type('text/plain').send(`${message}\n`)
  })
}

/** Makes the hook that checks the signature of a call, and then parses its body. */
function createAuthentication(credentials: PusherCredentials): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const { app: appId } = request.params as Static<typeof pusherParams>
    if (appId !== credentials.appId) throw new ServiceError('not_found', `there is no app ${appId} here`)
    const { method, url, query, body } = request
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
    const path = url.split('?', 1)[0]!
    checkPusherSignature({ method, path, query: query as Record<string, string>, body: bytes }, credentials)
    request.body = parseBody(bytes)
  }
}

/** Makes the function that publishes events; it rejects with the first error, after all have been tried. */
function createPublish(
  { key }: PusherCredentials,
  publisher: Publisher,
  counts: ApiCounts,
): (events: readonly Event[]) => Promise<object> {
  return async (events) => {
    const drafts = events.map((event) => draftOf(event, `pusher:${key}`))
    const results = await publisher.publishAll(drafts)
    for (const [index, { status }] of results.entries())
      if (status === 'fulfilled')
        counts[isUserChannel(drafts[index]!.channel) ? 'notifications' : 'messages']++
    const failed = results.find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
    return {}
  }
}

function draftOf({ channel, name, data, socket_id: exceptConnection }: Event, credential: string): Draft {
  const content = { type: name, data: dataOf(data) }
  const options = { credential, exceptConnection, maxDataBytes: MAX_JSON_BYTES }
  if (!channel.startsWith(USER)) return draftMessage(channel, content, options, undefined)
  return draftNotification(wantId(channel.slice(USER.length), '/channel'), content, options)
}

/** The value that the data stands for as JSON; anything else is text. Throws `too_large` or `invalid_request`. */
function dataOf(data: string): unknown {
  const bytes = Buffer.byteLength(data)
  if (bytes > MAX_PUSHER_DATA_BYTES)
    throw new ServiceError(
      'too_large',
      `the data of an event has ${bytes} bytes, more than ${MAX_PUSHER_DATA_BYTES}`,
    )
  let value: unknown
  try {
    value = parseExact(data)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep('/data')
    return data
  }
  refuseProto(value, '/data')
  return value
}
