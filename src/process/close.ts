import type { FastifyInstance } from 'fastify'
import type { Bridges } from '../bridges/bridges.ts'
import type { Siblings } from '../cluster/siblings.ts'
import type { Hub } from '../core/delivery/hub.ts'
import type { Engine } from '../core/engine/engine.ts'
import type { AckWaiters } from '../core/inbox/ack-waiters.ts'
import type { Readiness } from '../core/lifecycle/readiness.ts'
import type { Traffic } from '../core/lifecycle/traffic.ts'
import type { Scheduler } from '../core/publishing/scheduler.ts'
import type { Sockets } from '../sockets/sockets.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'

/** How long posts are answered at least after the last tab has gone, if they keep coming, in milliseconds. */
const MOMENT = 1000

/** How long calls under way may take to their end when the port is closed, in milliseconds: more than any answer takes. */
const LAST_ANSWERS = 2500

/** The parts of a running app, all of which end. */
export interface ClosingParts {
  api: FastifyInstance
  sockets: Sockets | undefined
  siblings: Siblings | undefined
  bridges: Bridges
  traffic: Traffic
  readiness: Readiness
  ackWaiters: AckWaiters
  hub: Hub
  scheduler: Scheduler
  webhooks: Webhooks | undefined
  engine: Engine
}

/** Ends an app in order: its tabs go elsewhere within `drainSeconds`, calls under way are answered, and then the parts are freed. */
export async function closeApp(parts: ClosingParts, drainSeconds: number): Promise<void> {
  await drain(parts, drainSeconds)
  await closePort(parts)
  const { bridges, engine, hub, scheduler, webhooks } = parts
  bridges.close()
  hub.stop()
  await Promise.all([scheduler.stop(), webhooks?.stop()])
  await engine.close()
}

async function drain(
  { ackWaiters, bridges, readiness, siblings, sockets, traffic }: ClosingParts,
  seconds: number,
): Promise<void> {
  const end = Date.now() + seconds * 1000
  readiness.stop('the process is draining')
  traffic.leave()
  await bridges.stopPublishing()
  ackWaiters.close()
  await sockets?.drain(seconds)
  await siblings?.untilIdle(end - Date.now())
  // Posts are answered until a moment after the last tab has gone.
  if (seconds > 0) await traffic.untilQuiet(Math.max(end - Date.now(), MOMENT))
}

async function closePort({ api, siblings, sockets, traffic }: ClosingParts): Promise<void> {
  sockets?.close()
  await siblings?.close()
  const cut = setTimeout(() => traffic.cut(), LAST_ANSWERS)
  await api.close()
  clearTimeout(cut)
}
