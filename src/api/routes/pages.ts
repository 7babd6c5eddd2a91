import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Peer } from '../../core/engine/registry.ts'
import { faultOfId } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'

/** The facts that the development page receives; there is no such page in production. */
export interface DemoOptions {
  /** The role of this process. */
  role: string
  /** Undefined if the keys were given, since only their hashes are kept. */
  apiKey: string | undefined
  /** The path of Socket.IO, with a slash at its end. */
  socketPath: string
  /** Makes a browser token for a user. */
  mint(user: string): string
  /** The processes that share the store. */
  peers(): Promise<Peer[]>
}

const page = (name: string): string => readFileSync(new URL(`../../pages/${name}`, import.meta.url), 'utf8')

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/

/**
 * Registers `/`: in development a page on which a newcomer sees a notification arrive, in production a line of text. `mayCall`: true if the
 * GET API is open, which has the same path.
 */
export function registerPages(app: FastifyInstance, demo: DemoOptions | undefined, mayCall: boolean): void {
  const onRequest = mayCall ? [] : [refuseCalls]
  if (demo === undefined) {
    app.get('/', { onRequest, schema: { hide: true } }, (_request, reply) =>
      reply.type('text/plain').send('Tabcast is running.\n'),
    )
    return
  }
  const files = [
    ['/', 'demo.html', 'text/html'],
    ['/demo/base.css', 'base.css', 'text/css'],
    ['/demo/demo.css', 'demo.css', 'text/css'],
    ['/demo/demo.js', 'demo.js', 'text/javascript'],
    ['/demo/items.js', 'items.js', 'text/javascript'],
    ['/demo/toasts.js', 'toasts.js', 'text/javascript'],
  ] as const
  for (const [path, file, type] of files) {
    const content = page(file)
    app.get(path, { onRequest, schema: { hide: true } }, (_request, reply) =>
      reply.type(`${type}; charset=utf-8`).send(content),
    )
  }
  app.get('/demo/session', { schema: { hide: true } }, async (request, reply) =>
    settingsOf(demo, request, reply),
  )
}

/** Answers 404 to a call of the GET API while it is closed: its caller must not take the page for success. */
function refuseCalls({ query }: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const isCall = ['name', 'msg', 'key'].some((field) => Object.hasOwn(query as object, field))
  done(isCall ? new ServiceError('not_found', CLOSED_API) : undefined)
}

const CLOSED_API =
  'nobody was notified: the GET API is closed. Set GET_API=on to open it, or send POST /notify/:user'

/** True for a request that was made on this machine. A header of a proxy rules that out: the proxy may be here, and its caller elsewhere. */
const isFromHere = ({ ip, headers }: FastifyRequest): boolean =>
  /^(::1|(::ffff:)?127\.[\d.]+)$/.test(ip) &&
  headers['x-forwarded-for'] === undefined &&
  headers.forwarded === undefined

async function settingsOf(demo: DemoOptions, request: FastifyRequest, reply: FastifyReply): Promise<object> {
  // Neither a foreign page whose name was made to point here (DNS rebinding) nor anybody behind a proxy may get the key.
  if (!LOOPBACK.test(request.headers.host ?? '') || !isFromHere(request))
    throw new ServiceError(
      'scope_missing',
      'the development page is served to this machine only: open it at http://localhost',
    )
  const { user } = request.query as { user?: unknown }
  const fault = faultOfId(user)
  if (fault !== undefined)
    throw new ServiceError('invalid_request', `user ${fault}`, {
      faults: [{ pointer: 'user', detail: fault }],
    })
  reply.header('cache-control', 'no-store')
  // Without the engine the page still works as far as it can.
  const peers = await demo.peers().catch((): Peer[] => [])
  const here = `http://${request.headers.host}`
  // Several processes may share a port.
  const urlsOf = (role: string): string[] => [
    ...new Set(peers.filter((peer) => peer.role === role).map(({ url }) => url)),
  ]
  return {
    role: demo.role,
    socketPath: demo.socketPath,
    token: demo.mint(user as string),
    apiKey: demo.apiKey ?? null,
    api: demo.role === 'worker' ? (urlsOf('api')[0] ?? urlsOf('all')[0] ?? null) : here,
    workers: urlsOf('worker'),
  }
}
