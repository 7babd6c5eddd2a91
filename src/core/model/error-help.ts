import { ERRORS, type ErrorCode } from './errors.ts'

/** A place in which a caller meets an error: an HTTP response, a `connect_error`, an acknowledgement, or the event `unsubscribed`. */
export type ErrorPlace = 'http' | 'connect' | 'event' | 'unsubscribed'

/** The words about one error, in Markdown of which only `code` is used. */
interface ErrorHelp {
  places: readonly ErrorPlace[]
  /** The cause, for somebody who sees the code for the first time. */
  happened: string
  /** The next step of the caller. */
  remedy: string
}

/** One entry of the page of errors: a row of the table, and the words about it. */
export interface ErrorEntry extends ErrorHelp {
  code: ErrorCode
  status: number
  temporary: boolean
  title: string
}

/** The advice for most temporary errors: a publish that was stored nevertheless is not stored twice. */
const REPEAT = 'Repeat the call after a second, a publish with the same idempotency key'

const help: Record<ErrorCode, ErrorHelp> = {
  invalid_request: {
    places: ['http', 'connect', 'event'],
    happened:
      'A field, parameter, header or argument is missing, unknown or malformed. `detail` names it; over HTTP, `errors` points to each of them.',
    remedy: 'Correct what `detail` names.',
  },
  unsupported_field: {
    places: ['http'],
    happened:
      'The call uses a field or header that only other routes take, such as `sendAt` or `Prefer: wait`. `errors` points to it.',
    remedy: 'Leave it out, or use the route that `detail` names.',
  },
  malformed_json: {
    places: ['http'],
    happened: 'The body is not JSON, not UTF-8, or ends too early.',
    remedy: 'Send the output of a JSON encoder, and compare `Content-Length` with its bytes.',
  },
  malformed_url: {
    places: ['http'],
    happened: 'The path is not valid percent-encoded UTF-8.',
    remedy: 'Encode each id in the path, with `encodeURIComponent`, `rawurlencode` or the like.',
  },
  credential_missing: {
    places: ['http'],
    happened: 'A route for backends was called without a credential.',
    remedy: 'Send `Authorization: Bearer <API key>`, with a key of `API_KEYS` or a service token.',
  },
  credential_invalid: {
    places: ['http'],
    happened:
      'The API key is not known, the signature is wrong, or the header does not read `Authorization: Bearer <API key>`.',
    remedy:
      'Compare the key with `API_KEYS` of this server. In development the key is printed when the server starts.',
  },
  token_missing: {
    places: ['http', 'connect', 'event'],
    happened:
      'The page sent no token: none in `auth.token` when it connected, or none in the `Authorization` header of `/me`.',
    remedy:
      'Get a token from your backend and connect with `io(url, { auth: { token } })`. Without one, a page can only hear public rooms, and only with `ANONYMOUS=on`.',
  },
  token_invalid: {
    places: ['http', 'connect', 'event'],
    happened:
      'The signature, the audience or a claim of the token is wrong, or the token belongs to another user. An API key in its place is refused as well.',
    remedy:
      'Let your backend sign a token with `aud`, `sub`, `iat` and `exp`, with a key that this server checks (`JWT_SECRET`, `JWT_PUBLIC_KEY` or `JWKS_URL`).',
  },
  token_expired: {
    places: ['http', 'connect', 'event', 'unsubscribed'],
    happened: 'The `exp` of the token has passed. In `unsubscribed`, it is that of the room token.',
    remedy:
      'Get a new token from your backend, then call `socket.connect()`, or `subscribe` with the new room token. If the token was new, compare the clocks of the two servers.',
  },
  token_revoked: {
    places: ['http', 'connect', 'event'],
    happened: 'The token was issued before its user was disconnected with `revoke`.',
    remedy: 'Let the user log in again. A token that is issued later is accepted.',
  },
  scope_missing: {
    places: ['http'],
    happened: 'The API key or service token is valid but lacks the scope that `detail` names.',
    remedy: 'Use a credential that has the scope, or add it to the entry in `API_KEYS`.',
  },
  room_forbidden: {
    places: ['event', 'unsubscribed'],
    happened:
      'No token, membership or configuration grants the room, or nothing does any more. The answer is the same whether the room exists or not.',
    remedy:
      'Let your backend grant the room: with `rooms` or `publish` in the token, with a room token, or with a membership. Then subscribe again.',
  },
  not_found: {
    places: ['http'],
    happened: 'This server has no such route, or the user has no notification with this id or tag.',
    remedy:
      'Check the path and `detail`. With `ROLE=worker` a server has no routes for backends; call one that has the role `api` or `all`.',
  },
  method_not_allowed: {
    places: ['http'],
    happened: 'The path exists, but not for this method.',
    remedy: 'Use one of the methods in the header `Allow`.',
  },
  unknown_event: {
    places: ['event'],
    happened: 'The page sent an event that this server does not have.',
    remedy: 'Check the spelling of the event, and that the page was written for this version of the server.',
  },
  request_timeout: {
    places: ['http'],
    happened: 'The request did not arrive in full within 30 seconds. Nothing was done.',
    remedy: 'Send it again on a new connection.',
  },
  too_many_memberships: {
    places: ['http'],
    happened: 'The user is a member of `MAX_ROOMS_PER_CONNECTION` rooms already.',
    remedy: 'End a membership with `DELETE /rooms/:room/members/:user`, or raise the limit.',
  },
  too_large: {
    places: ['http'],
    happened: 'The body has more bytes than this route or the proxy in front of it takes.',
    remedy:
      'Send less: a notification can link to what is large. Otherwise raise `MAX_BODY_BYTES`, and the limit of the proxy.',
  },
  uri_too_long: {
    places: ['http'],
    happened: 'An id in the path has more than 256 characters.',
    remedy: 'Use a shorter id.',
  },
  unsupported_media_type: {
    places: ['http'],
    happened:
      'The `Content-Type`, the charset or the `Content-Encoding` of the body is not one that this route takes.',
    remedy:
      'Send `Content-Type: application/json` in UTF-8, uncompressed, unless `detail` asks for something else.',
  },
  idempotency_conflict: {
    places: ['http', 'event'],
    happened:
      'The idempotency key was used for another request before. That one stands; this one was not stored.',
    remedy: 'Make a new key for each new publish, and repeat a publish exactly as it was.',
  },
  too_many_rooms: {
    places: ['connect', 'event'],
    happened:
      'The connection would be subscribed to more than `MAX_ROOMS_PER_CONNECTION` rooms, those of `JOIN_ROOMS` included.',
    remedy:
      'Name fewer rooms in `since.rooms`, unsubscribe from those that the page no longer shows, or raise the limit.',
  },
  rate_limited: {
    places: ['event'],
    happened: 'The connection publishes more than `MAX_MESSAGES_PER_SECOND`. The message was not stored.',
    remedy: 'Wait a second, then publish it again.',
  },
  header_too_large: {
    places: ['http'],
    happened: 'The request line and the headers have more than 16 KB together.',
    remedy: 'Send fewer or shorter headers. Large cookies are the usual cause.',
  },
  internal: {
    places: ['http', 'event'],
    happened:
      'The server met a fault of its own and has logged the cause. Whether a publish was stored is not known.',
    remedy: `${REPEAT}. If it fails again, look into the log of the server and report what it says.`,
  },
  engine_unavailable: {
    places: ['http', 'event'],
    happened:
      'The store cannot take the call: it cannot be reached, is loading, full or read-only. A publish may have been stored.',
    remedy: `${REPEAT}. If it lasts, check Redis, or the disk of the embedded engine; the log of the server has the cause.`,
  },
  replicas_missing: {
    places: ['http', 'event'],
    happened: 'The publish is stored, but fewer than `REDIS_WAIT` replicas have confirmed it in time.',
    remedy: `${REPEAT}, until it succeeds. If it lasts, check the replicas.`,
  },
  engine_timeout: {
    places: ['http', 'event'],
    happened: 'The store did not answer in time. A publish may have been stored.',
    remedy: `${REPEAT}. If it lasts, look at the load of Redis and the network to it.`,
  },
  overloaded: {
    places: ['http', 'event'],
    happened:
      'Too many publishes are waiting for the store (`MAX_WAITING_PUBLISHES`). This one was not stored.',
    remedy: `${REPEAT}. If it lasts, publish more slowly, or use \`POST /notify\` for many users at once.`,
  },
  keys_unavailable: {
    places: ['http'],
    happened:
      'The key set at `JWKS_URL` could not be fetched, so the token was not checked. It may be valid.',
    remedy:
      'Repeat the call after a second, with the same token. If it lasts, check that the server can reach `JWKS_URL`.',
  },
  shutting_down: {
    places: ['http', 'event'],
    happened: 'This process is stopping and takes no more work.',
    remedy: `${REPEAT}: another process, or the restarted one, takes it.`,
  },
}

/** All errors in the order of the table. */
export const ERROR_ENTRIES: readonly ErrorEntry[] = (Object.keys(ERRORS) as ErrorCode[]).map((code) => ({
  code,
  ...ERRORS[code],
  ...help[code],
}))
