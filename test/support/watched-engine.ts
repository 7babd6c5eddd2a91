import type { Engine } from '../../src/core/engine.ts'
import { Readiness } from '../../src/core/readiness.ts'
import { createRedisEngine, type RedisEngineOptions } from '../../src/engines/redis/engine.ts'
import { until } from './until.ts'

/** How long a busy machine may take to connect, in milliseconds. */
const READY = 5000

const PLENTY = { count: 100_000, seconds: 3600 }

/** A Redis engine that is probed all the time, as in a running Tabcast. */
export interface WatchedEngine extends Engine {
  /** How often it has said that publications may have been missed. */
  readonly restorations: number
}

/** Opens one; resolves when a first probe has succeeded. What it reports is thrown. */
export async function openWatched(
  url: string,
  options: Partial<RedisEngineOptions> = {},
): Promise<WatchedEngine> {
  const engine = createRedisEngine({
    url,
    prefix: 'tabcast',
    commandTimeout: 1000,
    replicas: 0,
    retention: { user: PLENTY, room: PLENTY },
    report: (error) => {
      throw error
    },
    ...options,
  })
  let restorations = 0
  engine.broker.onRestored(() => restorations++)
  await until(() => engine.probe().then(() => true), READY)
  const readiness = new Readiness(engine)
  return Object.defineProperty(
    {
      ...engine,
      close() {
        readiness.stop('the test is over')
        return engine.close()
      },
    },
    'restorations',
    { get: () => restorations },
  ) as WatchedEngine
}
