/** Writes `openapi/openapi.yaml` from the routes, so that what is promised is what is served. */
import { writeFileSync } from 'node:fs'
import { buildApi } from '../src/api/api.ts'
import { createTokenVerifier } from '../src/api/auth/token-verifier.ts'
import { AckWaiters } from '../src/core/inbox/ack-waiters.ts'
import { Inboxes } from '../src/core/inbox/inboxes.ts'
import { Publisher } from '../src/core/publishing/publisher.ts'
import { Scheduler } from '../src/core/publishing/scheduler.ts'
import { createEmbeddedEngine } from '../src/engines/embedded/engine.ts'

const retention = { count: 1, seconds: 1 }
const engine = await createEmbeddedEngine({
  path: ':memory:',
  durability: 'process',
  retention: { user: retention, room: retention },
  report: (error) => {
    throw error
  },
})
const inboxes = new Inboxes(engine)
const api = await buildApi({
  role: 'all',
  engine,
  publisher: new Publisher(engine),
  inboxes,
  scheduler: new Scheduler(engine, inboxes, () => undefined),
  ackWaiters: new AckWaiters(engine.broker, inboxes),
  apiKeys: [],
  verifier: createTokenVerifier(() => Promise.reject(new Error('no token is checked here'))),
  sign: undefined,
  maxBodyBytes: 1_048_576,
  maxMemberships: 100,
  report: () => undefined,
  readiness: { reason: undefined, isStopped: false },
  mayCall: () => false,
  demo: undefined,
})
await api.ready()
writeFileSync(new URL('../openapi/openapi.yaml', import.meta.url), api.swagger({ yaml: true }))
await api.close()
await engine.close()
