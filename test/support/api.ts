import { hash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { type ApiOptions, buildApi } from '../../src/api/api.ts'
import { createSignatures } from '../../src/api/auth/token-signatures.ts'
import { createTokenSigner } from '../../src/api/auth/token-signer.ts'
import { createTokenVerifier } from '../../src/api/auth/token-verifier.ts'
import type { ApiKey, Scope } from '../../src/core/access/scopes.ts'
import type { Engine } from '../../src/core/engine/engine.ts'
import { AckWaiters } from '../../src/core/inbox/ack-waiters.ts'
import { Inboxes } from '../../src/core/inbox/inboxes.ts'
import type { WebhookPolicy } from '../../src/core/model/webhook.ts'
import { Publisher } from '../../src/core/publishing/publisher.ts'
import { Scheduler } from '../../src/core/publishing/scheduler.ts'
import { openMemory, report } from './engines.ts'
import type { Json } from './json.ts'

export const KEY = 'key-of-the-test-backend'
export const SECRET = 'a secret that is long enough for HS256'

export const apiKey = (key: string, ...scopes: Scope[]): ApiKey => ({
  name: 'test',
  sha256: hash('sha256', key, 'buffer'),
  scopes: new Set(scopes.length === 0 ? ['admin'] : scopes),
})

export interface StartOptions extends Partial<ApiOptions> {
  webhooks?: WebhookPolicy
}

const POLICY: WebhookPolicy = { enabled: true, hasUrl: true, allowPrivate: false }

export interface StartedApi {
  api: FastifyInstance
  engine: Engine
}

/** The HTTP side on an embedded engine in memory. Both end with the test. */
export async function startApi(options: StartOptions = {}): Promise<StartedApi> {
  const started = await start(options)
  onTestFinished(() => stop(started))
  return started
}

/** The same, once for all tests of a file that do not mind each other. */
export function shareApi(options: StartOptions = {}): () => FastifyInstance {
  let started: StartedApi
  beforeAll(async () => {
    started = await start(options)
  })
  afterAll(() => stop(started))
  return () => started.api
}

async function stop({ api, engine }: StartedApi): Promise<void> {
  await api.close()
  await engine.close()
}

async function start({ webhooks = POLICY, ...options }: StartOptions): Promise<StartedApi> {
  const engine = await openMemory({ count: 1000, seconds: 3600 }, { count: 500, seconds: 3600 })
  const inboxes = new Inboxes(engine)
  const api = await buildApi({
    role: 'all',
    engine,
    publisher: new Publisher(engine, { webhooks }),
    inboxes,
    scheduler: new Scheduler(engine, inboxes, report),
    ackWaiters: new AckWaiters(engine.broker, inboxes),
    apiKeys: [apiKey(KEY)],
    ...(await testTokens()),
    maxBodyBytes: 1_048_576,
    maxMemberships: 100,
    report: () => undefined,
    readiness: READY,
    mayCall: () => true,
    demo: undefined,
    ...options,
  })
  return { api, engine }
}

/** A process that is ready. */
export const READY = { reason: undefined, isStopped: false }

/** Checks and makes tokens by the secret of the tests. */
export async function testTokens() {
  const { check, sign } = await createSignatures({
    jwtSecrets: [SECRET],
    jwtPublicKeys: [],
    jwksUrl: undefined,
  })
  return { verifier: createTokenVerifier(check), sign: createTokenSigner(sign)! }
}

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'
  /** Sent as JSON; a string or a buffer is sent as it is. */
  body?: unknown
  headers?: Record<string, string>
  /** The credential, or none. */
  key?: string | undefined
}

export interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
  json: Json
}

/** One call, with the test's key unless another is given. */
export async function call(api: FastifyInstance, url: string, options: Call = {}): Promise<Answer> {
  const { body, method = body === undefined ? 'GET' : 'POST', headers = {} } = options
  const key = 'key' in options ? options.key : KEY
  const response = await api.inject({
    method,
    url,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined
      ? {}
      : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
  })
  const isJson = String(response.headers['content-type']).includes('json')
  return {
    status: response.statusCode,
    headers: response.headers,
    text: response.body,
    json: isJson ? response.json() : undefined,
  }
}
