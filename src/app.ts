import type { AddressInfo } from 'node:net'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Server } from 'socket.io'
import { buildApi } from './api/api.ts'
import { createSignatures } from './api/auth/token-signatures.ts'
import { createTokenSigner } from './api/auth/token-signer.ts'
import { createTokenVerifier } from './api/auth/token-verifier.ts'
import { createEntryPublisher } from './api/http/entry-publisher.ts'
import { openLiveBridges } from './bridges/bridges.ts'
import { RedisStreamBridge, STREAM_BLOCK } from './bridges/redis-stream.ts'
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
import type { WebhookPolicy } from './core/model/webhook.ts'
import { Publisher } from './core/publishing/publisher.ts'
import { Scheduler } from './core/publishing/scheduler.ts'
import { demoSettings } from './development/demo.ts'
import { type CompletedCredentials, completeCredentials } from './development/secrets.ts'
import { welcome } from './development/welcome.ts'
import { createEngine } from './engines/create-engine.ts'
import { createClient } from './engines/redis/links/clients.ts'
import { PatternListener } from './engines/redis/links/pattern-listener.ts'
import { createEngineLog } from './process/engine-log.ts'
import { metricSources } from './process/metric-sources.ts'
import { buildSockets, type Sockets } from './sockets/sockets.ts'
import { Webhooks } from './webhooks/webhooks.ts'

/** How long posts are answered at least after the last tab has gone, if they keep coming, in milliseconds. */
const MOMENT = 1000

/** How long what is under way may take to its end when the doors are closed, in milliseconds: more than any answer takes. */
const LAST_ANSWERS = 2500

/** What asks all the time, and is nobody's loss. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics'])

/** A running Tabcast, with everything that an embedding program may want to hang its own things on. */
export interface App {
  readonly api: FastifyInstance
  /** Undefined with the role `api`. */
  readonly io: Server | undefined
  readonly sockets: Sockets | undefined
  readonly engine: Engine
  readonly hub: Hub
  readonly publisher: Publisher
  readonly log: FastifyBaseLogger
  /** What only a development server tells; undefined in production. */
  readonly development: { apiKey: string | undefined; notes: string[] } | undefined
  /** Where it listens, once it does. */
  readonly url: string
  /** Starts to listen. Rejects if it can't. */
  listen(): Promise<void>
  /** Sends the tabs elsewhere, answers what is still asked, and frees the process. */
  close(): Promise<void>
}

/** Connections that the system may hold for us until we take them: after a dead process, those of its clients come all at once. */
const BACKLOG = 4096

/** What only one of several processes on a port is told. */
export interface ClusterOptions {
  self: WorkerProcess
  /** Made once, for all of them. */
  completed: CompletedCredentials
}

/**
 * The map: makes engine, publisher, hub, API and sockets, as the role wants them. `clustered` is for one of several processes that share a
 * port.
 */
export async function createApp(config: Config, clustered?: ClusterOptions): Promise<App> {
  const { role, development } = config
  const { credentials, apiKey, note } =
    clustered?.completed ?? completeCredentials(config.credentials, config.directory)
  const siblings = clustered && new Siblings(clustered.self)
  const signatures = await createSignatures(credentials)
  const verifier = createTokenVerifier(signatures.check)
  const sign = createTokenSigner(signatures.sign)

  const report = (error: unknown): void => api.log.error(error)
  const warn = (message: string): void => api.log.warn(message)
  const engine = await createEngine(config.engine, { retention: config.retention, report })
  const publisher = new Publisher(engine, {
    maxWaiting: config.maxWaitingPublishes,
    webhooks: policyOf(config),
  })
  const inboxes = new Inboxes(engine)
  const scheduler = new Scheduler(engine, inboxes, report)
  const ackWaiters = new AckWaiters(engine.broker, inboxes)
  const webhooks = webhooksOf(config, engine, inboxes, report, warn)
  const hub = new Hub(engine)
  const rejections = new Rejections(warn)
  let draining = false
  let url = ''

  const api: FastifyInstance = await buildApi({
    role,
    engine,
    publisher,
    scheduler,
    ackWaiters,
    inboxes,
    apiKeys: credentials.apiKeys,
    verifier,
    sign,
    maxBodyBytes: config.maxBodyBytes,
    maxMemberships: config.sockets.maxRooms,
    logger: { level: config.logLevel },
    readiness: () => readiness.reason,
    isDraining: () => draining,
    metrics: metricSources(hub, () => sockets, rejections, webhooks),
    siblings,
    mayCall: (request) => mayConnect(request, config.origin),
    publicUrl: config.publicUrl,
    doors: { ...config.doors, reject: (door, reason) => rejections.add(door, reason) },
    demo: development && sign !== undefined ? demoSettings(config, engine, apiKey, sign) : undefined,
  })
  // Of several processes the first tells what is the same for all.
  const tellsStart = !development && (clustered === undefined || clustered.self.slot === 1)
  const readiness = new Readiness(engine, createEngineLog(engine, warn, tellsStart))
  const sockets =
    role === 'api'
      ? undefined
      : buildSockets(api.server, {
          ...config.sockets,
          engine,
          hub,
          inboxes,
          publisher,
          verifier,
          policy: config.policy,
          anonymous: config.anonymous,
          origin: config.origin,
          newEngineSessionId: siblings && (() => siblings.newEngineSessionId()),
          report,
        })
  if (sockets !== undefined) siblings?.attach(api.server, config.sockets.path, sockets.handler)

  const { engine: store } = config
  const liveBridges =
    role === 'api' || store.engine !== 'redis'
      ? undefined
      : openLiveBridges(config.doors, {
          listen: (topics, onMessage) => new PatternListener(topics, onMessage, { ...store, report }),
          publishEphemeral: (publication, audience) => hub.publishEphemeral(publication, audience),
          rejections,
        })
  const openStreamBridge = (): RedisStreamBridge | undefined => {
    const stream = config.doors.redisStream
    if (role === 'worker' || store.engine !== 'redis' || stream === undefined) return undefined
    return new RedisStreamBridge(stream, {
      connect: () => createClient({ ...store, commandTimeout: STREAM_BLOCK + store.commandTimeout }),
      publish: createEntryPublisher(api, publisher),
      reject: (reason) => rejections.add('redis-stream', reason),
      report,
    })
  }
  let streamBridge: RedisStreamBridge | undefined

  const traffic = new Traffic(api.server, (url) => !url.startsWith(config.sockets.path) && !PROBES.has(url))

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    const end = Date.now() + config.drainSeconds * 1000
    draining = true
    readiness.stop('the process is draining')
    traffic.leave()
    await streamBridge?.close()
    ackWaiters.close()
    await sockets?.drain(config.drainSeconds)
    await siblings?.untilIdle(end - Date.now())
    // Posts are answered until a moment after the last tab has gone.
    if (config.drainSeconds > 0) await traffic.untilQuiet(Math.max(end - Date.now(), MOMENT))
    sockets?.close()
    await siblings?.close()
    const cut = setTimeout(() => traffic.cut(), LAST_ANSWERS)
    await api.close()
    clearTimeout(cut)
    liveBridges?.close()
    hub.stop()
    await Promise.all([scheduler.stop(), webhooks?.stop()])
    await engine.close()
  }

  return {
    api,
    io: sockets?.io,
    sockets,
    engine,
    hub,
    publisher,
    log: api.log,
    development: development ? { apiKey, notes: note === undefined ? [] : [note] } : undefined,
    get url() {
      return url
    },
    async listen() {
      await siblings?.open()
      await api.listen({ host: config.host, port: config.port, backlog: BACKLOG })
      url = config.publicUrl ?? urlOf(api.server.address() as AddressInfo)
      engine.registry.enter({ role, url })
      scheduler.start()
      webhooks?.start()
      streamBridge = openStreamBridge()
      if (development && role !== 'worker') await welcome(publisher)
    },
    close: () => (closing ??= close()),
  }
}

function webhooksOf(
  { webhooks: { secrets, url, allowPrivate } }: Config,
  { webhookQueue }: Engine,
  inboxes: Inboxes,
  report: (error: unknown) => void,
  warn: (message: string) => void,
): Webhooks | undefined {
  if (secrets.length === 0) return undefined
  return new Webhooks({ secrets, url, allowPrivate, webhookQueue, inboxes, report, warn })
}

const policyOf = ({ webhooks: { secrets, url, allowPrivate } }: Config): WebhookPolicy => ({
  enabled: secrets.length > 0,
  hasUrl: url !== undefined,
  allowPrivate,
})

function urlOf({ address, family, port }: AddressInfo): string {
  const anywhere = address === '0.0.0.0' || address === '::'
  const host = anywhere ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}
