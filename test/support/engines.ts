import type { Engine, Retention } from '../../src/core/engine/engine.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded/engine.ts'
import { createRedisEngine, type RedisEngineOptions } from '../../src/engines/redis/engine.ts'
import { until } from './until.ts'

/** Milliseconds that a busy machine may take to connect. */
const READY = 5000

const PLENTY = { count: 100_000, seconds: 3600 }

/** For what nobody expects to be reported. */
export const report = (error: unknown): never => {
  throw error
}

/** An embedded engine in memory. */
export const openMemory = (user: Retention, room = user): Promise<Engine> =>
  createEmbeddedEngine({ path: ':memory:', durability: 'process', retention: { user, room }, report })

/** A Redis engine with the usual options; resolves when it is connected. */
export async function openRedis(url: string, options: Partial<RedisEngineOptions> = {}): Promise<Engine> {
  const engine = createRedisEngine({
    url,
    prefix: 'tabcast',
    commandTimeout: 1000,
    replicas: 0,
    retention: { user: PLENTY, room: PLENTY },
    report,
    ...options,
  })
  await until(() => engine.probe().then(() => true), READY)
  return engine
}
