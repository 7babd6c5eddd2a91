import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Whether a page on the origin that a request names may call; one without an origin does not come from a page. */
export type OriginCheck = (request: IncomingMessage) => boolean

/** Seconds that a browser may remember what it was answered. */
const MAX_AGE = 600

/**
 * Lets pages on other origins call the routes below a path, and read every answer, the errors too (Fetch Standard §3.2). Tokens travel in a
 * header that only a page of theirs sets, never in a cookie, so a page that may not read the answers has nothing to gain from a call.
 */
export function registerCors(app: FastifyInstance, path: string, mayCall: OriginCheck): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ vary: 'Origin', 'cache-control': 'no-store' })
    const { origin } = request.headers
    if (origin === undefined || !mayCall(request.raw)) return
    reply.header('access-control-allow-origin', origin)
    reply.header('access-control-expose-headers', 'Retry-After')
  })
  app.options(`${path}/*`, { schema: { hide: true } }, async (_request, reply) => {
    if (reply.hasHeader('access-control-allow-origin'))
      reply.headers({
        'access-control-allow-methods': 'GET, POST, DELETE',
        'access-control-allow-headers': 'Authorization, Content-Type',
        'access-control-max-age': MAX_AGE,
      })
    return reply.code(204).send()
  })
}
