/**
 * The error table. Each edge translates a row once: HTTP into problem+json (RFC 9457), sockets into an error
 * acknowledgement or a `connect_error`. `temporary` says whether the same call may succeed when it is repeated.
 * What people read about each row is in `error-help.ts`.
 */
export const ERRORS = {
  invalid_request: { status: 400, temporary: false, title: 'The request is not valid' },
  unsupported_field: {
    status: 400,
    temporary: false,
    title: 'The request uses something that is not supported here',
  },
  malformed_json: { status: 400, temporary: false, title: 'The body is not valid JSON' },
  malformed_url: { status: 400, temporary: false, title: 'The URL is not valid' },
  credential_missing: { status: 401, temporary: false, title: 'A credential is required' },
  credential_invalid: { status: 401, temporary: false, title: 'The credential is not valid' },
  token_missing: { status: 401, temporary: false, title: 'A token is required' },
  token_invalid: { status: 401, temporary: false, title: 'The token is not valid' },
  token_expired: { status: 401, temporary: false, title: 'The token has expired' },
  token_revoked: { status: 401, temporary: false, title: 'The token has been revoked' },
  scope_missing: { status: 403, temporary: false, title: 'The credential lacks the required scope' },
  room_forbidden: { status: 403, temporary: false, title: 'Nothing grants this room' },
  not_found: { status: 404, temporary: false, title: 'Not found' },
  method_not_allowed: { status: 405, temporary: false, title: 'The method is not allowed here' },
  unknown_event: { status: 404, temporary: false, title: 'There is no such event' },
  request_timeout: { status: 408, temporary: true, title: 'The request took too long to arrive' },
  too_many_memberships: { status: 409, temporary: false, title: 'The user is a member of too many rooms' },
  too_large: { status: 413, temporary: false, title: 'The body is too large' },
  uri_too_long: { status: 414, temporary: false, title: 'The URL is too long' },
  unsupported_media_type: {
    status: 415,
    temporary: false,
    title: 'The media type of the body is not supported',
  },
  idempotency_conflict: {
    status: 422,
    temporary: false,
    title: 'The idempotency key was used for another request',
  },
  too_many_rooms: { status: 429, temporary: false, title: 'The connection has subscribed to too many rooms' },
  rate_limited: {
    status: 429,
    temporary: true,
    title: 'The connection publishes too fast',
  },
  header_too_large: { status: 431, temporary: false, title: 'The headers are too large' },
  internal: { status: 500, temporary: true, title: 'Something went wrong in the server' },
  engine_unavailable: { status: 503, temporary: true, title: 'The store is not available' },
  replicas_missing: { status: 503, temporary: true, title: 'Too few replicas have confirmed the publish' },
  engine_timeout: { status: 503, temporary: true, title: 'The store did not answer in time' },
  overloaded: { status: 503, temporary: true, title: 'The server is overloaded' },
  keys_unavailable: {
    status: 503,
    temporary: true,
    title: 'The keys that check tokens cannot be fetched',
  },
  shutting_down: { status: 503, temporary: true, title: 'The server is shutting down' },
} as const

/** The page that explains every code. */
export const ERRORS_PATH = '/errors'

/** The name of an error, for programs: a row of the table. */
export type ErrorCode = keyof typeof ERRORS

/** One fault of a request. `pointer` is a JSON Pointer (RFC 6901) into the body, or the name of a header or parameter. */
export interface Fault {
  pointer: string
  detail: string
}

/** An error that is answered to the caller: one row of the table, with a detail of its own. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly faults: readonly Fault[]

  constructor(code: ErrorCode, detail: string, options: { faults?: readonly Fault[]; cause?: unknown } = {}) {
    super(detail, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'ServiceError'
    this.code = code
    this.faults = options.faults ?? []
  }

  /** The HTTP status of the error (RFC 9110). */
  get status(): number {
    return ERRORS[this.code].status
  }

  /** One line that is the same for every occurrence of the error. */
  get title(): string {
    return ERRORS[this.code].title
  }

  /** True if the same call may succeed when it is repeated. */
  get temporary(): boolean {
    return ERRORS[this.code].temporary
  }

  /** The error's entry on the page of errors, as a URI reference (RFC 3986) relative to this server. */
  get help(): string {
    return `${ERRORS_PATH}#${this.code}`
  }
}

/** Throws `invalid_request` if there are faults. Its detail repeats them, for callers that look no further. */
export function refuseFaults(faults: readonly Fault[]): void {
  if (faults.length === 0) return
  const detail = faults.map(({ pointer, detail }) => `${pointer} ${detail}`.trim()).join('; ')
  throw new ServiceError('invalid_request', detail, { faults })
}

/** The code of the table's row for an HTTP status; `internal` or `invalid_request` where no row has it. */
export function codeForStatus(status: number): ErrorCode {
  const row = (Object.keys(ERRORS) as ErrorCode[]).find((code) => ERRORS[code].status === status)
  return row ?? (status >= 500 ? 'internal' : 'invalid_request')
}

/** Something that the operator can mend. Its message says what to do, so it is shown without a stack. */
export class OperatorError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OperatorError'
  }
}
