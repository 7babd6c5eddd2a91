import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ServiceError } from '../../core/model/errors.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
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

/** For how long a connection that was refused is one that repeats, in milliseconds. */
const REMEMBERED = 10_000

/** By when a publish must be answered, in milliseconds, whether it has waited for room or not. */
const ANSWERED = 1900

/** How often it is looked whether there is room again, in milliseconds. */
const PAUSE = 10

interface Waiting {
  request: IncomingMessage
  response: ServerResponse
  /** Milliseconds since the process began. */
  since: number
}

/**
 * Refuses publishes while the engine has enough to do, before a route, a credential or a body costs anything: what is refused must not
 * use up the time that the accepted ones need.
 *
 * The first refusal of a connection is answered at once. Who repeats waits in line: refusing the same callers again and again would cost
 * more than taking them one after the other. Whoever was not reached is refused again, early enough for an engine that then takes all of the time
 * that it may take (`enginePatience`, in milliseconds).
 */
export function withAdmission(
  handle: RequestListener,
  publisher: Publisher,
  counts: ApiCounts,
  enginePatience: number,
): RequestListener {
  const patience = ANSWERED - enginePatience
  /** When a connection was refused, in milliseconds since the process began. */
  const refusedAt = new WeakMap<Socket, number>()
  /** The longest wait first. */
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

  /** Takes as many as there is room for, and refuses those who have waited for too long. */
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
    // What there is room for is first for those in line.
    const hasRoom = publisher.capacity > line.length
    if (hasRoom || !METHODS.has(request.method!) || !PUBLISHES.test(request.url ?? ''))
      handle(request, response)
    else if (patience > 0 && performance.now() - (refusedAt.get(request.socket) ?? -REMEMBERED) < REMEMBERED)
      wait(request, response)
    else refuse(request, response)
  }
}
