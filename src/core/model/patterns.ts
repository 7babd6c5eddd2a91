/** The forms of names that schemas, parsers and rules check: each once, with its description in words. */

/** A pattern of JSON Schema (ECMA-262, with the flag u), and the fault of a text that it does not match, in words. */
export interface Pattern {
  readonly source: string
  readonly detail: string
}

const UUID_FORM = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'

/** An id that the server gives (RFC 9562 §4): written in lower case, read in either. */
export const UUID: Pattern = { source: `^${UUID_FORM}$`, detail: 'must be a UUID' }

/** A name for programs, such as a `type`. */
export const MACHINE_NAME: Pattern = {
  source: '^[a-z0-9._-]{1,100}$',
  detail: 'must be 1 to 100 characters of a-z 0-9 . _ -',
}

/** A name that a backend gives a notification, so that it can be replaced. */
export const TAG: Pattern = {
  source: `^(?!${UUID_FORM}$)[A-Za-z0-9._:-]{1,64}$`,
  detail: 'must be 1 to 64 characters of A-Z a-z 0-9 . _ : - and not look like a UUID: ids do',
}

/** The id of a notification, or its tag. */
export const ID_OR_TAG: Pattern = {
  source: '^[A-Za-z0-9._:-]{1,64}$',
  detail: 'must be an id, or a tag: 1 to 64 characters of A-Z a-z 0-9 . _ : -',
}

/** A caller's name for a publish that may be repeated. */
export const IDEMPOTENCY_KEY: Pattern = {
  source: '^[\\u0021-\\u007e]{1,255}$',
  detail: 'must be 1 to 255 visible characters of ASCII, without spaces',
}

/** The id of a connection. */
export const CONNECTION_ID: Pattern = {
  source: '^[A-Za-z0-9_-]{1,64}$',
  detail: 'must be the id of a connection: 1 to 64 characters of A-Z a-z 0-9 _ -',
}

/**
 * The id of a connection in a call of a Pusher SDK. It may also be one of Pusher's own (`123.456`), since the SDKs accept no others; here no
 * connection has such an id.
 */
export const PUSHER_SOCKET_ID: Pattern = {
  source: '^[A-Za-z0-9_.-]{1,64}$',
  detail: 'must be the id of a connection: 1 to 64 characters of A-Z a-z 0-9 _ . -',
}

/** A link that a click may open: http(s), or a path of this origin. It excludes scripts, and hosts that are disguised as paths. */
export const LINK: Pattern = {
  source: '^([hH][tT][tT][pP][sS]?://[^\\u0000-\\u0020\\\\/?#]|/(?!/))[^\\u0000-\\u0020\\\\]*$',
  detail: 'must be an http(s) URL, or a path that begins with one slash',
}

/** All patterns. */
export const PATTERNS: readonly Pattern[] = [
  UUID,
  MACHINE_NAME,
  TAG,
  ID_OR_TAG,
  IDEMPOTENCY_KEY,
  CONNECTION_ID,
  PUSHER_SOCKET_ID,
  LINK,
]

const compiled = new Map(PATTERNS.map((pattern) => [pattern, new RegExp(pattern.source, 'u')]))

/** True if a text matches a pattern of `PATTERNS`. */
export const matches = (pattern: Pattern, text: string): boolean => compiled.get(pattern)!.test(text)
