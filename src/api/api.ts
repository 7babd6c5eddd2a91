import { createServer } from 'node:http'
import helmet from '@fastify/helmet'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify'
import type { ApiKey } from '../core/access/scopes.ts'
import type { Engine } from '../core/engine/engine.ts'
import type { AckWaiters } from '../core/inbox/ack-waiters.ts'
import type { Inboxes } from '../core/inbox/inboxes.ts'
import { MAX_ID_LENGTH } from '../core/model/channel.ts'
import type { Publisher } from '../core/publishing/publisher.ts'
import type { Scheduler } from '../core/publishing/scheduler.ts'
import { createAccess } from './auth/credentials.ts'
import type { TokenSigner } from './auth/token-signer.ts'
import type { ApiTokenVerifier } from './auth/token-verifier.ts'
import { createUserAccess } from './auth/user-access.ts'
import { type CompatibleApis, registerCompatible } from './compatible/compatible.ts'
import { withAdmission } from './http/admission.ts'
import { createSerializers } from './http/compilers.ts'
import { type OriginCheck, registerCors } from './http/cors.ts'
import { registerJsonBody } from './http/json-body.ts'
import { createCounts } from './http/metrics.ts'
import { registerOpenApi } from './http/openapi.ts'
import { answerClientError, registerProblems, sendProblem, toServiceError } from './http/problem.ts'
import { registerDocs } from './routes/docs.ts'
import { registerErrors } from './routes/errors.ts'
import { type HealthOptions, registerHealth } from './routes/health.ts'
import { registerMe } from './routes/me.ts'
import { registerMembers } from './routes/members.ts'
import { registerNotify } from './routes/notify.ts'
import { registerNotifyMany } from './routes/notify-many.ts'
import { type DemoOptions, registerPages } from './routes/pages.ts'
import { registerReceipts } from './routes/receipts.ts'
import { registerRooms } from './routes/rooms.ts'
import { registerTokens } from './routes/tokens.ts'
import { registerUsers } from './routes/users.ts'

/** The parts and limits of the HTTP side. */
export interface ApiOptions extends HealthOptions {
  /** A `worker` has no backend routes. */
  role: 'api' | 'worker' | 'all'
  engine: Engine
  publisher: Publisher
  scheduler: Scheduler
  ackWaiters: AckWaiters
  inboxes: Inboxes
  apiKeys: readonly ApiKey[]
  verifier: ApiTokenVerifier
  /** Undefined where tokens are only checked. */
  sign: TokenSigner | undefined
  maxBodyBytes: number
  /** How many rooms a user may be a member of. */
  maxMemberships: number
  /** Undefined: nothing is logged. */
  log?: FastifyBaseLogger | undefined
  /** Hears of faults of our own. */
  report(error: unknown): void
  /** Whether a page may use the routes for tabs, by the origin that its request names. */
  mayCall: OriginCheck
  /** How the outside reaches this server, without a slash at its end. Without it, problems name the host of their request. */
  publicUrl?: string | undefined
  /** What the development page is told; undefined in production. */
  demo: DemoOptions | undefined
  /** The APIs for callers of others; none unless given. */
  compatible?: CompatibleApis
}

/** A code point is up to four bytes in UTF-8, and each is `%XX` in a path. */
const MAX_PARAM_LENGTH = MAX_ID_LENGTH * 4 * 3

/** Milliseconds that a request may take to arrive, and that an idle connection is kept: longer than balancers keep theirs. */
const REQUEST_TIMEOUT = 30_000
const KEEP_ALIVE_TIMEOUT = 72_000

/** Builds the HTTP side, not yet listening. */
export async function buildApi(options: ApiOptions): Promise<FastifyInstance> {
  const counts = createCounts()
  const app: FastifyInstance = fastify({
    serverFactory: (handle) =>
      createServer(
        { requestTimeout: REQUEST_TIMEOUT, keepAliveTimeout: KEEP_ALIVE_TIMEOUT },
        withAdmission(handle, options.publisher, counts, options.engine.patience),
      ),
    ...(options.log === undefined ? {} : { loggerInstance: options.log }),
    // A line per request would be most of the log, and a good part of the time.
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (logger) => logger,
    bodyLimit: options.maxBodyBytes,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: true },
    },
    schemaController: { compilersFactory: { buildSerializer: createSerializers() } },
    frameworkErrors: (error, request, reply) => {
      sendProblem(request, reply, toServiceError(error))
    },
    clientErrorHandler: answerClientError,
  })
  app.decorate('publicUrl', options.publicUrl)
  registerProblems(app, counts, options)
  registerJsonBody(app)
  app.decorateRequest('credential', '')
  app.decorateRequest('tabUser', '')
  await registerOpenApi(app)
  registerHealth(app, counts, options)
  if (options.role !== 'worker') await registerBackend(app, options, counts)
  await app.register(async (tabs) => registerForTabs(tabs, options))
  await app.register((pages) => registerForBrowsers(pages, options))
  return app
}

async function registerBackend(
  app: FastifyInstance,
  {
    engine,
    publisher,
    scheduler,
    ackWaiters,
    inboxes,
    apiKeys,
    verifier,
    sign,
    compatible,
    maxMemberships,
    report,
  }: ApiOptions,
  counts: ReturnType<typeof createCounts>,
): Promise<void> {
  const access = createAccess(apiKeys, verifier)
  registerNotify(app, { access, publisher, ackWaiters, counts })
  registerNotifyMany(app, { access, publisher, counts, report })
  registerReceipts(app, { access, inboxes, scheduler })
  registerRooms(app, { access, publisher, broker: engine.broker, counts })
  registerMembers(app, { access, engine, maxMemberships })
  registerUsers(app, { access, engine, publisher })
  registerTokens(app, { access, sign })
  if (compatible !== undefined)
    await registerCompatible(app, compatible, { access, publisher, counts, report })
}

/** What a page calls in the name of its user. */
function registerForTabs(app: FastifyInstance, { engine, verifier, inboxes, mayCall }: ApiOptions): void {
  registerCors(app, '/me', mayCall)
  registerMe(app, { access: createUserAccess(engine, verifier), inboxes })
}

/** What is for eyes: only these answers carry the headers that browsers heed, since the others should stay small. */
async function registerForBrowsers(
  app: FastifyInstance,
  { role, demo, compatible }: ApiOptions,
): Promise<void> {
  // In development the page shows pictures from anywhere, and connects to workers on other ports.
  const anywhere = demo === undefined ? [] : ['http:', 'https:', 'ws:', 'wss:']
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        // Swagger UI sets styles on its elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', ...anywhere],
        connectSrc: ["'self'", ...anywhere],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether there is TLS is for the balancer in front to say.
    strictTransportSecurity: false,
  })
  if (role !== 'worker') await registerDocs(app, demo !== undefined)
  registerErrors(app)
  registerPages(app, demo, role !== 'worker' && compatible?.get === true)
}
