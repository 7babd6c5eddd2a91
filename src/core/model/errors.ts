/**
 * The error table. Each edge translates a row once: HTTP into problem+json (RFC 9457), sockets into an error
 * acknowledgement or a `connect_error`. `temporary` says whether the same call may succeed when it is repeated.
 */
const table = {
  invalid_request: { status: 400, temporary: false, title: 'The request is not valid' },
  unsupported_field: {
    status: 400,
    temporary: false,
    title: 'The request uses something that is not supported',
  },
  malformed_json: { status: 400, temporary: false, title: 'The body is not valid JSON' },
  malformed_url: { status: 400, temporary: false, title: 'The URL is not valid' },
  credential_missing: { status: 401, temporary: false, title: 'A credential is required' },
  credential_invalid: { status: 401, temporary: false, title: 'The credential is not valid' },
  token_missing: { status: 401, temporary: false, title: 'A token is required' },
  token_invalid: { status: 401, temporary: false, title: 'The token is not valid' },
  token_expired: { status: 401, temporary: false, title: 'The token has expired' },
  token_revoked: { status: 401, temporary: false, title: 'The token has been revoked' },
  scope_missing: { status: 403, temporary: false, title: 'The credential lacks a scope' },
  room_forbidden: { status: 403, temporary: false, title: 'The token does not grant this room' },
  not_found: { status: 404, temporary: false, title: 'Not found' },
  method_not_allowed: { status: 405, temporary: false, title: 'The method is not allowed here' },
  unknown_event: { status: 404, temporary: false, title: 'The event is not known' },
  request_timeout: { status: 408, temporary: true, title: 'The request took too long to arrive' },
  too_many_memberships: { status: 409, temporary: false, title: 'The user is a member of too many rooms' },
  too_large: { status: 413, temporary: false, title: 'The body is too large' },
  uri_too_long: { status: 414, temporary: false, title: 'The URL is too long' },
  unsupported_media_type: {
    status: 415,
    temporary: false,
    title: 'The body is of a type that is not taken here',
  },
  idempotency_conflict: {
    status: 422,
    temporary: false,
    title: 'The idempotency key was used with another body',
  },
  too_many_rooms: { status: 429, temporary: false, title: 'The connection has subscribed to too many rooms' },
  rate_limited: {
    status: 429,
    temporary: true,
    title: 'The connection has sent too much in too little time',
  },
  header_too_large: { status: 431, temporary: false, title: 'The headers are too large' },
  internal: { status: 500, temporary: true, title: 'Something went wrong in the server' },
  engine_unavailable: { status: 503, temporary: true, title: 'The engine can not be reached' },
  replicas_missing: { status: 503, temporary: true, title: 'Too few replicas have it yet' },
  engine_timeout: { status: 503, temporary: true, title: 'The engine did not answer in time' },
  overloaded: { status: 503, temporary: true, title: 'The server has more to do than it can do in time' },
  keys_unavailable: {
    status: 503,
    temporary: true,
    title: 'The keys that tokens are checked with can not be fetched',
  },
  shutting_down: { status: 503, temporary: true, title: 'The server is shutting down' },
} as const

export type ErrorCode = keyof typeof table

/** One fault of a request. `pointer` is a JSON Pointer (RFC 6901) into the body, or the name of a header or parameter. */
export interface Fault {
  pointer: string
  detail: string
}

/** An error that a caller is told about, as one row of the table with a detail of its own. */
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
    return table[this.code].status
  }

  /** One line that is the same for every occurrence of the error. */
  get title(): string {
    return table[this.code].title
  }

  /** Whether repeating the same call can help. */
  get temporary(): boolean {
    return table[this.code].temporary
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
  const row = (Object.keys(table) as ErrorCode[]).find((code) => table[code].status === status)
  return row ?? (status >= 500 ? 'internal' : 'invalid_request')
}

/** Something that the operator can mend. Its message says what to do, so it is shown without a stack. */
export class OperatorError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OperatorError'
  }
}
