import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** Returns true if a page on the origin that a request names may call; a request without an origin does not come from a page. */
export type OriginCheck = (request: IncomingMessage) => boolean

/** Seconds for which a browser may keep the answer to a preflight. */
const MAX_AGE = 600

/**
 * Lets pages on other origins call the routes below `path`, and read every answer, errors included (Fetch Standard §3.2). Tokens travel in a
 * header that the page itself has to set, never in a cookie, so a page that may not read the answers gains nothing from a call.
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
