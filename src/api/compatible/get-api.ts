import { isUtf8 } from 'node:buffer'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { ServiceError } from '../../core/model/errors.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { Access } from '../auth/credentials.ts'
import type { ApiCounts } from '../http/metrics.ts'
import { answerPublished, publishOptionsOf } from '../http/published.ts'
import { refuseWait, wantId } from '../http/requests.ts'
import { publishHeaders } from '../schemas/common.ts'
import { formFields } from '../schemas/compatible.ts'
import { notified } from '../schemas/notified.ts'
import { bodyProblems, problems } from '../schemas/problem.ts'

/** The most bytes of a form: a message has at most 4,000 characters, and each byte of one may be written as three. */
const MAX_FORM_BYTES = 65_536

/** Matches the URL of a call; any other is a visit to the page at `/`. */
const CALL = /^\/\?(?:.*&)?name=/

interface GetApiParts {
  access: Access
  publisher: Publisher
  counts: ApiCounts
}

/**
 * Registers `GET /?name=…&msg=…&key=…`, and `POST /` with the same fields as a form, which notify a user: for callers that can do no
 * more. Without `name`, `GET /` shows the page; see `distinguishCalls`.
 */
export function registerGetApi(app: FastifyInstance, parts: GetApiParts): void {
  takeForms(app)
  registerQuery(app, parts)
  registerForm(app, parts)
}

/** Takes forms and nothing else as a body. */
function takeForms(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError) => {
    if (error.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') throw error
    throw new ServiceError('too_large', `the form has more than ${MAX_FORM_BYTES} bytes`)
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: MAX_FORM_BYTES },
    (_request, body, done) => {
      const text = body.toString()
      const fault = isUtf8(body) ? faultIn(text) : NOT_A_FORM
      done(fault ?? null, fault ? undefined : fieldsOf(new URLSearchParams(text)))
    },
  )
  app.addContentTypeParser('*', (_request, _body, done) =>
    done(
      new ServiceError(
        'unsupported_media_type',
        'send Content-Type: application/x-www-form-urlencoded; in PHP, make the body with http_build_query',
      ),
    ),
  )
}

const shared = { tags: ['notifications'], headers: publishHeaders }

function registerQuery(app: FastifyInstance, parts: GetApiParts): void {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/',
    {
      // A look at what is there must not notify anybody.
      exposeHeadRoute: false,
      constraints: { call: 'form' },
      onRequest: [
        keepOut,
        ({ url }, _reply, done) => done(faultIn(url.slice(url.indexOf('?') + 1))),
        (request, _reply, done) => done(bearKey(request, request.query)),
        parts.access('notify:write'),
      ],
      schema: {
        ...shared,
        operationId: 'notifyByQuery',
        summary: 'Notify one user, the old way',
        querystring: formFields,
        response: { 201: notified, ...problems(400, 401, 403, 422, 503) },
      },
    },
    async (request, reply) => notify(request.query, request, reply, parts),
  )
}

function registerForm(app: FastifyInstance, parts: GetApiParts): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post(
    '/',
    {
      onRequest: keepOut,
      preValidation: [
        (request, _reply, done) => done(bearKey(request, request.body)),
        parts.access('notify:write'),
      ],
      schema: {
        ...shared,
        operationId: 'notifyByForm',
        summary: 'Notify one user with a form',
        consumes: ['application/x-www-form-urlencoded'],
        body: formFields,
        response: { 201: notified, ...bodyProblems(), ...problems(422) },
      },
    },
    async (request, reply) => notify(request.body, request, reply, parts),
  )
}

async function notify(
  { name, msg }: Static<typeof formFields>,
  request: FastifyRequest,
  reply: FastifyReply,
  { publisher, counts }: GetApiParts,
): Promise<ReturnType<typeof answerPublished>> {
  refuseWait(request.headers.prefer)
  const published = await publisher.notify(wantId(name, '/name'), { body: msg }, publishOptionsOf(request))
  return answerPublished(reply, published, counts)
}

/** Lets `GET /` lead to the call or to the page, by its query. To be called on the root instance, since it counts for the whole server. */
export const distinguishCalls = (app: FastifyInstance): void =>
  app.addConstraintStrategy({
    name: 'call',
    deriveConstraint: ({ url = '' }) => (CALL.test(url) ? 'form' : undefined),
    storage: () => {
      const handlers = new Map<unknown, unknown>()
      return {
        get: (value: unknown) => handlers.get(value) ?? null,
        set: (value: unknown, handler: unknown) => void handlers.set(value, handler),
      } as never
    },
    validate: () => undefined,
  })

/** Keeps browsers and proxies from storing an answer, which they could repeat for somebody else. */
function keepOut(_request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.header('cache-control', 'no-store')
  done()
}

const NOT_A_FORM = new ServiceError(
  'invalid_request',
  'the form is not UTF-8 in percent-encoding; in PHP, make it with http_build_query',
)

/** The error in the encoding of a form; undefined if there is none. Decoded all the same, two names could become one. */
function faultIn(form: string): ServiceError | undefined {
  try {
    decodeURIComponent(form)
    return undefined
  } catch {
    return NOT_A_FORM
  }
}

/** Puts the key of the call into the Authorization header, unless there is one. Returns what is wrong with the key, if anything. */
function bearKey({ headers }: FastifyRequest, fields: unknown): ServiceError | undefined {
  if (headers.authorization !== undefined) return undefined
  const { key } = (fields ?? {}) as { key?: unknown }
  if (key === undefined)
    return new ServiceError(
      'credential_missing',
      'give the API key as key, or in the header Authorization: Bearer <API key>',
    )
  if (typeof key !== 'string' || !/^[\w-]+$/.test(key))
    return new ServiceError('credential_invalid', 'key is not an API key')
  headers.authorization = `Bearer ${key}`
  return undefined
}

/** The fields of a form by name. One that is there twice becomes a list, which the schema refuses. */
function fieldsOf(form: URLSearchParams): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = Object.create(null)
  for (const name of new Set(form.keys())) {
    const values = form.getAll(name)
    fields[name] = values.length === 1 ? values[0]! : values
  }
  return fields
}
