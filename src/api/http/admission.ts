import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ServiceError } from '../../core/model/errors.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import type { ApiCounts } from './metrics.ts'
import { PROBLEM_MEDIA_TYPE, problemOf, RETRY_AFTER } from './problem.ts'

/** Matches the paths that publish, and so have to wait for the engine. */
const PUBLISHES = /^\/(notify|rooms\/[^/?]+\/messages)(?=[/?]|$)/

const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT'])

/** The body of a refusal: a string, since Node writes that together with the headers. */
const REFUSAL = JSON.stringify(
  problemOf(
    new ServiceError('overloaded', 'too many publishes are waiting to be stored; repeat the call later'),
  ),
)
const HEADERS = {
  'content-type': PROBLEM_MEDIA_TYPE,
  'content-length': Buffer.byteLength(REFUSAL),
  'retry-after': String(RETRY_AFTER),
}

/** The time after a refusal in which another call on the same connection counts as a repeat, in milliseconds. */
const REMEMBERED = 10_000

/** The time within which a publish must be answered, in milliseconds, whether it had to wait in line or not. */
const ANSWERED = 1900

/** Milliseconds between two looks whether there is capacity again. */
const PAUSE = 10

interface Waiting {
  request: IncomingMessage
  response: ServerResponse
  /** Milliseconds since the process began. */
  since: number
}

/**
 * Wraps `handle` so that publishes are refused with 503 while `publisher` has no capacity, before a route, a credential or a body costs
 * anything: refusals must not use up the time that the accepted calls need.
 *
 * The first refusal of a connection is answered at once. A connection that repeats waits in line: refusing the same callers again and again
 * would cost more than taking them one after the other. A call whose turn does not come is refused again, early enough for an engine that
 * takes all of the time that it may take for those in front (`enginePatience`, in milliseconds).
 */
export function withAdmission(
  handle: RequestListener,
  publisher: Publisher,
  counts: ApiCounts,
  enginePatience: number,
): RequestListener {
  const patience = ANSWERED - enginePatience
  /** The time at which a connection was refused, in milliseconds since the process began. */
  const refusedAt = new WeakMap<Socket, number>()
  /** The calls that wait, the longest wait first. */
  const line: Waiting[] = []

  const refuse = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    counts.errors.overloaded = (counts.errors.overloaded ?? 0) + 1
    refusedAt.set(socket, performance.now())
    response.writeHead(503, HEADERS).end(REFUSAL)
  }

  const wait = (request: IncomingMessage, response: ServerResponse): void => {
    line.push({ request, response, since: performance.now() })
    if (line.length === 1) setTimeout(advance, PAUSE).unref()
  }

  /** Handles as many as there is capacity for, and refuses those that have waited for too long. */
  const advance = (): void => {
    const late = performance.now() - patience
    let { capacity } = publisher
    let ended = 0
    for (const { request, response, since } of line) {
      if (since > late && capacity <= 0) break
      ended++
      if (request.socket.destroyed) continue
      if (since <= late) refuse(request, response)
      else {
        capacity--
        handle(request, response)
      }
    }
    line.splice(0, ended)
    if (line.length > 0) setTimeout(advance, PAUSE).unref()
  }

  return (request, response) => {
    // The capacity is first for those in line.
    const hasCapacity = publisher.capacity > line.length
    if (hasCapacity || !METHODS.has(request.method!) || !PUBLISHES.test(request.url ?? ''))
      handle(request, response)
    else if (patience > 0 && performance.now() - (refusedAt.get(request.socket) ?? -REMEMBERED) < REMEMBERED)
      wait(request, response)
    else refuse(request, response)
  }
}
