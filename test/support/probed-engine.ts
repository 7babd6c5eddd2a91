import type { Engine } from '../../src/core/engine/engine.ts'
import { Readiness } from '../../src/core/lifecycle/readiness.ts'
import type { RedisEngineOptions } from '../../src/engines/redis/engine.ts'
import { openRedis } from './engines.ts'

/** A Redis engine that is probed all the time, as in a running Tabcast. */
export interface ProbedEngine extends Engine {
  /** Number of times that it has said that publications may have been missed. */
  readonly restorations: number
}

/** Opens one, as `openRedis`. */
export async function openProbed(
  url: string,
  options: Partial<RedisEngineOptions> = {},
): Promise<ProbedEngine> {
  const engine = await openRedis(url, options)
  let restorations = 0
  engine.broker.onRestored(() => restorations++)
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
  ) as ProbedEngine
}
