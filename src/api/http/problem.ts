import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { internalError, isFault } from '../../core/lifecycle/faults.ts'
import { codeForStatus, type ErrorCode, ServiceError } from '../../core/model/errors.ts'
import type { ApiCounts } from './metrics.ts'
import { validationError } from './validation-faults.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** How the outside reaches this server, without a slash at its end; undefined unless it was configured. */
    publicUrl: string | undefined
  }
}

/** The media type of problem details (RFC 9457 §3). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** Seconds after which a call that failed for now may be repeated. */
export const RETRY_AFTER = 1

/** The longest path that is repeated in a problem. */
const MAX_INSTANCE = 2000

/** An error as problem details (RFC 9457). Without a `base`, `help` is relative to the request as `type` is. */
export function problemOf(error: ServiceError, { base = '', instance }: ProblemContext = {}): object {
  const { code, title, status, message, faults, help } = error
  return {
    type: help,
    title,
    status,
    detail: message,
    instance,
    code,
    help: base + help,
    errors: faults.length > 0 ? faults : undefined,
  }
}

/** The request that a problem answers, as far as it is known. */
interface ProblemContext {
  /** The URL of this server as the caller knows it, without a slash at its end. */
  base?: string
  instance?: string
}

/** Answers with an error, and with more members if there are any (RFC 9457 §3.2). */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: ServiceError,
  members?: object,
): FastifyReply {
  const { code, status, temporary } = error
  if (temporary && status === 503) reply.header('retry-after', RETRY_AFTER)
  if (status === 401)
    reply.header(
      'www-authenticate',
      code === 'credential_missing' || code === 'token_missing'
        ? CHALLENGE
        : `${CHALLENGE}, error="invalid_token"`,
    )
  if (code === 'scope_missing') reply.header('www-authenticate', `${CHALLENGE}, error="insufficient_scope"`)
  return reply
    .code(status)
    .type(PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify({ ...problemOf(error, contextOf(request)), ...members }))
}

const contextOf = (request: FastifyRequest): ProblemContext => ({
  base: baseOf(request),
  instance: instanceOf(request.raw.url ?? ''),
})

/** Anything else in `Host` is not led to. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i

/**
 * The URL of this server as the caller knows it, or nothing if it is not known. People open `help`, often in a terminal, where only a whole
 * URL can be clicked.
 */
export function baseOf({ server, headers: { host } }: FastifyRequest): string {
  if (server.publicUrl !== undefined) return server.publicUrl
  return host !== undefined && HOST.test(host) ? `http://${host}` : ''
}

/** RFC 6750 §3. */
const CHALLENGE = 'Bearer realm="tabcast"'

/** The path as a URI reference (RFC 3986); a query is left out, whatever it holds. */
function instanceOf(url: string): string {
  return url
    .split('?', 1)[0]!
    .slice(0, MAX_INSTANCE)
    .replace(/[^A-Za-z0-9\-._~:/[\]@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})/g, encodeURIComponent)
}

/** What a worker adds where it has no route: its address was probably taken for that of another process. */
const ON_A_WORKER = ': this process has ROLE=worker and takes no posts; call one with ROLE=api or ROLE=all'

/** Translates every error of the HTTP side, at this one place. */
export function registerProblems(
  app: FastifyInstance,
  counts: ApiCounts,
  { role, report }: { role: string; report(error: unknown): void },
): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toServiceError(error, app.initialConfig.bodyLimit)
    if (isFault(problem)) report(problem)
    counts.errors[problem.code] = (counts.errors[problem.code] ?? 0) + 1
    return sendProblem(request, reply, problem)
  })
  // Asked before the body is read: a stranger's body for no route is not worth parsing.
  app.addHook('onRequest', (request, reply, next) => {
    if (request.is404) next(noRoute(app, request, reply, role))
    else next()
  })
}

function noRoute(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  role: string,
): ServiceError {
  const path = request.raw.url!.split('?', 1)[0]!
  const allowed = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null)
  const hint = slashHint(app, request.method, path) || (role === 'worker' ? ON_A_WORKER : '')
  if (allowed.length === 0) return new ServiceError('not_found', `there is no ${request.method} here${hint}`)
  reply.header('allow', allowed.join(', '))
  return new ServiceError('method_not_allowed', `this path takes ${allowed.join(', ')}${hint}`)
}

/** An empty id or tag leaves a slash behind. */
function slashHint(app: FastifyInstance, method: string, path: string): string {
  const isMeant =
    path.endsWith('/') && app.findRoute({ method: method as 'GET', url: path.slice(0, -1) }) !== null
  return isMeant ? `: it ends with a slash; without it, ${method} is taken` : ''
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const CODES: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'send the header Content-Type: application/json',
  ],
  FST_ERR_BAD_URL: ['malformed_url', 'the path is not valid percent-encoded UTF-8'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'an id in the path has more than 256 characters'],
}

/** An error of Fastify, or of our own, as a row of the table. `bodyLimit`: how many bytes a body may have, to be told. */
export function toServiceError(error: FastifyError, bodyLimit?: number): ServiceError {
  if (error instanceof ServiceError) return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new ServiceError('too_large', `the body has more than ${bodyLimit} bytes (MAX_BODY_BYTES)`)
  if (error.validation !== undefined)
    return validationError(error.validation, (error.validationContext ?? 'body') as 'body')
  const known = CODES[error.code]
  if (known !== undefined) return new ServiceError(...known)
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new ServiceError(codeForStatus(error.statusCode), error.message)
  return internalError(error)
}

/** Answers what is not even a request that could be routed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // An answer that is still owed to an earlier request must not be taken for this one: the connection is just closed.
  const { _httpMessage: owed } = socket as Socket & { _httpMessage?: unknown }
  if (error.code !== 'ECONNRESET' && socket.writable && !owed) {
    const problem = clientErrorOf(error.code)
    const body = JSON.stringify(problemOf(problem))
    socket.write(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    )
  }
  socket.destroy()
}

function clientErrorOf(code: string | undefined): ServiceError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ServiceError('request_timeout', 'the request did not arrive in time')
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ServiceError('header_too_large', 'the request line and headers are too large')
  return new ServiceError('invalid_request', 'this is not an HTTP request')
}
