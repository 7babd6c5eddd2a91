import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Server } from 'socket.io'
import { buildApi } from './api/api.ts'
import { createTokens, type Tokens } from './api/auth/tokens.ts'
import { createEntryPublisher } from './api/http/entry-publisher.ts'
import { Bridges } from './bridges/bridges.ts'
import { Rejections } from './bridges/rejections.ts'
import { Siblings } from './cluster/siblings.ts'
import type { WorkerProcess } from './cluster/worker-process.ts'
import type { Config } from './config/config.ts'
import { mayConnect } from './core/access/origin.ts'
import { Hub } from './core/delivery/hub.ts'
import type { Engine } from './core/engine/engine.ts'
import { AckWaiters } from './core/inbox/ack-waiters.ts'
import { Inboxes } from './core/inbox/inboxes.ts'
import { Readiness } from './core/lifecycle/readiness.ts'
import { Traffic } from './core/lifecycle/traffic.ts'
import { Publisher } from './core/publishing/publisher.ts'
import { Scheduler } from './core/publishing/scheduler.ts'
import { demoSettings } from './development/demo.ts'
import { type CompletedCredentials, completeCredentials } from './development/secrets.ts'
import { welcome } from './development/welcome.ts'
import { createEngine } from './engines/create-engine.ts'
import { createClient } from './engines/redis/links/clients.ts'
import { PatternListener } from './engines/redis/links/pattern-listener.ts'
import { closeApp } from './process/close.ts'
import { createEngineLog } from './process/engine-log.ts'
import { createLog, type ProcessLog } from './process/log.ts'
import { coreMetrics, socketMetrics } from './process/metric-sources.ts'
import { buildSockets, type Sockets } from './sockets/sockets.ts'
import { Webhooks } from './webhooks/webhooks.ts'

/** Requests that are made all the time, and that nobody misses when they go unanswered. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics'])

/** Connections that the system may hold for us until we take them: after a dead process, those of its clients come all at once. */
const BACKLOG = 4096

/** A running Tabcast, with everything that an embedding program may want to hang its own things on. */
export interface App {
  readonly api: FastifyInstance
  /** Undefined with the role `api`. */
  readonly io: Server | undefined
  readonly sockets: Sockets | undefined
  readonly engine: Engine
  readonly hub: Hub
  readonly publisher: Publisher
  readonly log: ProcessLog['log']
  /** The facts that only a development server tells; undefined in production. */
  readonly development: { apiKey: string | undefined; notes: string[] } | undefined
  /** Where it listens, once it does. */
  readonly url: string
  /** Starts to listen. Rejects if it cannot. */
  listen(): Promise<void>
  /** Sends the tabs elsewhere, answers what is still asked, and frees the process. */
  close(): Promise<void>
}

/** The facts that only one of several processes on a port is given. */
export interface ClusterOptions {
  self: WorkerProcess
  /** Made once, for all of them. */
  completed: CompletedCredentials
}

/** The parts that the wings work with. */
interface Parts extends ProcessLog {
  tokens: Tokens
  engine: Engine
  publisher: Publisher
  inboxes: Inboxes
  scheduler: Scheduler
  ackWaiters: AckWaiters
  webhooks: Webhooks | undefined
  hub: Hub
  readiness: Readiness
  rejections: Rejections
  siblings: Siblings | undefined
}

/**
 * The map: makes the parts, and joins them by the role. `clustered` is for one of several processes that share a port. Rejects if the store
 * of the embedded engine cannot be opened.
 */
export async function createApp(config: Config, clustered?: ClusterOptions): Promise<App> {
  const { role, development } = config
  const completed = clustered?.completed ?? completeCredentials(config.credentials, config.directory)
  const parts = await createParts(config, completed, clustered)
  const api = await buildHttp(config, parts, completed)
  const sockets = role === 'api' ? undefined : buildTabs(config, parts, api)
  api.addMetrics(socketMetrics(sockets))
  const bridges = createBridges(config, parts, api)
  const traffic = new Traffic(api.server, (url) => !url.startsWith(config.sockets.path) && !PROBES.has(url))
  const { engine, hub, publisher, log } = parts
  const listening = { url: '' }
  let closing: Promise<void> | undefined
  return {
    api,
    io: sockets?.io,
    sockets,
    engine,
    hub,
    publisher,
    log,
    development: development
      ? { apiKey: completed.apiKey, notes: completed.note === undefined ? [] : [completed.note] }
      : undefined,
    get url() {
      return listening.url
    },
    async listen() {
      listening.url = await listen(config, parts, api)
      bridges.start()
      if (development && role !== 'worker') await welcome(publisher)
    },
    close: () => (closing ??= closeApp({ ...parts, api, sockets, bridges, traffic }, config.drainSeconds)),
  }
}

async function createParts(
  config: Config,
  { credentials }: CompletedCredentials,
  clustered: ClusterOptions | undefined,
): Promise<Parts> {
  const { log, warn, report } = createLog(config.logLevel)
  const { secrets, url, allowPrivate } = config.webhooks
  const engine = await createEngine(config.engine, { retention: config.retention, report })
  const inboxes = new Inboxes(engine)
  const { webhookQueue } = engine
  // Of several processes the first says what is the same for all.
  const saysStart = !config.development && (clustered === undefined || clustered.self.slot === 1)
  return {
    log,
    warn,
    report,
    engine,
    inboxes,
    tokens: await createTokens(credentials),
    publisher: new Publisher(engine, {
      maxWaiting: config.maxWaitingPublishes,
      webhooks: { enabled: secrets.length > 0, hasUrl: url !== undefined, allowPrivate },
    }),
    scheduler: new Scheduler(engine, inboxes, report),
    ackWaiters: new AckWaiters(engine.broker, inboxes),
    webhooks:
      secrets.length === 0
        ? undefined
        : new Webhooks({ secrets, url, allowPrivate, webhookQueue, inboxes, report, warn }),
    hub: new Hub(engine, report),
    readiness: new Readiness(engine, createEngineLog(engine, warn, saysStart)),
    rejections: new Rejections(warn),
    siblings: clustered && new Siblings(clustered.self),
  }
}

async function buildHttp(
  config: Config,
  parts: Parts,
  { credentials, apiKey }: CompletedCredentials,
): Promise<FastifyInstance> {
  const { engine, rejections, siblings, tokens, hub, webhooks } = parts
  const api = await buildApi({
    ...parts,
    ...tokens,
    role: config.role,
    apiKeys: credentials.apiKeys,
    maxBodyBytes: config.maxBodyBytes,
    maxMemberships: config.sockets.maxRooms,
    publicUrl: config.publicUrl,
    siblings,
    mayCall: (request) => mayConnect(request, config.origin),
    compatible: { ...config.compatible, reject: (source, reason) => rejections.add(source, reason) },
    demo:
      config.development && tokens.sign !== undefined
        ? demoSettings(config, engine, apiKey, tokens.sign)
        : undefined,
  })
  api.addMetrics(coreMetrics({ hub, rejections, webhooks }))
  return api
}

function buildTabs(config: Config, parts: Parts, api: FastifyInstance): Sockets {
  const { engine, hub, inboxes, publisher, report, siblings, tokens } = parts
  const sockets = buildSockets(api.server, {
    ...config.sockets,
    engine,
    hub,
    inboxes,
    publisher,
    verifier: tokens.verifier,
    policy: config.policy,
    anonymous: config.anonymous,
    origin: config.origin,
    newEngineSessionId: siblings && (() => siblings.newEngineSessionId()),
    report,
  })
  siblings?.attach(api.server, config.sockets.path, sockets.handler)
  return sockets
}

/** Those that announce want tabs here, and the one that stores wants a process that takes posts. */
function createBridges(config: Config, parts: Parts, api: FastifyInstance): Bridges {
  const { engine: store, role } = config
  const { hub, publisher, rejections, report } = parts
  if (store.engine !== 'redis') return new Bridges()
  return new Bridges({
    settings: config.bridges,
    tabs: role !== 'api',
    posts: role !== 'worker',
    listen: (patterns, onMessage) => new PatternListener(patterns, onMessage, { ...store, report }),
    connect: (block) => createClient({ ...store, commandTimeout: block + store.commandTimeout }),
    publishEphemeral: (publication, audience) => hub.publishEphemeral(publication, audience),
    publish: createEntryPublisher(api, publisher),
    rejections,
    report,
  })
}

/** Opens the port, and begins what a process does by itself; resolves to where it listens. */
async function listen(config: Config, parts: Parts, api: FastifyInstance): Promise<string> {
  const { engine, scheduler, siblings, webhooks } = parts
  await siblings?.open()
  await api.listen({ host: config.host, port: config.port, backlog: BACKLOG })
  const url = config.publicUrl ?? urlOf(api.server.address() as AddressInfo)
  engine.registry.enter({ role: config.role, url })
  scheduler.start()
  webhooks?.start()
  return url
}

function urlOf({ address, family, port }: AddressInfo): string {
  const anywhere = address === '0.0.0.0' || address === '::'
  const host = anywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}
