import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ServiceError } from '../core/errors.ts'
import type { Publisher } from '../core/publisher.ts'
import type { ApiCounts } from './metrics.ts'
import { PROBLEM_MEDIA_TYPE, problemOf, RETRY_AFTER } from './problem.ts'

/** What publishes, and so has to wait for the engine. */
const PUBLISHES = /^\/(notify|rooms\/[^/?]+\/messages)(?=[/?]|$)/

const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT'])

/** A string, since Node writes that together with the headers. */
const REFUSAL = JSON.stringify(
  problemOf(new ServiceError('overloaded', 'too many publishes are waiting to be stored; repeat it later')),
)
const HEADERS = {
  'content-type': PROBLEM_MEDIA_TYPE,
  'content-length': Buffer.byteLength(REFUSAL),
  'retry-after': String(RETRY_AFTER),
}

/**
 * Refuses publishes while the engine has enough to do, before a route, a credential or a body costs anything: what is refused must not
 * use up the time that the accepted ones need.
 *
 * The first refusal of a connection is answered at once. Who repeats sooner than `Retry-After` says is answered when that time is over.
 */
export function withAdmission(
  handle: RequestListener,
  publisher: Publisher,
  counts: ApiCounts,
): RequestListener {
  /** When a connection that was refused may ask again, in milliseconds since the epoch. */
  const refusedUntil = new WeakMap<Socket, number>()

  const refuse = (request: IncomingMessage, response: ServerResponse): void => {
    counts.errors.overloaded = (counts.errors.overloaded ?? 0) + 1
    const { socket } = request
    const now = Date.now()
    const wait = (refusedUntil.get(socket) ?? 0) - now
    refusedUntil.set(socket, Math.max(now, now + wait) + RETRY_AFTER * 1000)
    const answer = (): void => void response.writeHead(503, HEADERS).end(REFUSAL)
    if (wait > 0) setTimeout(answer, wait).unref()
    else answer()
  }

  return (request, response) => {
    if (publisher.isFull && METHODS.has(request.method!) && PUBLISHES.test(request.url ?? ''))
      refuse(request, response)
    else handle(request, response)
  }
}
