import { Type } from 'typebox'

/** The body of every answer with an error: problem details (RFC 9457). */
export const problemSchema = Type.Object(
  {
    type: Type.String({
      description: 'A URI reference, relative to the URL of the request: an entry of the page `/errors`.',
      examples: ['/errors#invalid_request'],
    }),
    title: Type.String({ examples: ['The request is not valid'] }),
    status: Type.Integer({ examples: [400] }),
    detail: Type.String({ examples: ['/ttl must be an integer'] }),
    instance: Type.Optional(Type.String({ examples: ['/notify/demo'] })),
    code: Type.String({
      description: 'The name of the error, for programs; it stays the same.',
      examples: ['invalid_request'],
    }),
    help: Type.String({
      description: 'The page that says what happened and what to do, for people.',
      examples: ['http://127.0.0.1:3000/errors#invalid_request'],
    }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({
            description: 'A JSON Pointer into the body, the path or the query, or the name of a header.',
            examples: ['/ttl'],
          }),
          detail: Type.String({ examples: ['must be an integer'] }),
        }),
      ),
    ),
  },
  { $id: 'Problem', title: 'Problem', description: 'Problem details (RFC 9457).' },
)

const DESCRIPTIONS = {
  400: 'The request is not valid; `errors` points to each field.',
  401: 'The credential is missing or not valid.',
  403: 'The credential lacks the scope.',
  404: 'There is nothing here.',
  409: 'The user is a member of as many rooms as allowed.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'The idempotency key was used with another body.',
  503: 'Not now: repeat the call after `Retry-After` seconds, with the same idempotency key.',
  '4xx': 'The request is not valid.',
} as const

const RETRY_AFTER = {
  'Retry-After': { type: 'integer', description: 'Seconds after which the call may be repeated.' },
}

/** The answers of a route besides its 2xx, by status. */
export function problems(...statuses: (keyof typeof DESCRIPTIONS)[]): Record<string, object> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: DESCRIPTIONS[status],
        ...(status === 503 ? { headers: RETRY_AFTER } : {}),
        content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      },
    ]),
  )
}

/** The answers of every backend route that takes a body. */
export const bodyProblems = () => problems(400, 401, 403, 413, 415, 503)
