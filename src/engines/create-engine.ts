import type { Engine, EngineOptions } from '../core/engine/engine.ts'
import { createEmbeddedEngine } from './embedded/engine.ts'
import { createRedisEngine } from './redis/engine.ts'

/** The engine to create, with its own options. `commandTimeout`: milliseconds. */
export type EngineChoice =
  | { engine: 'embedded'; path: string; durability: 'process' | 'power' }
  | { engine: 'redis'; url: string; prefix: string; commandTimeout: number; replicas: number }

/** Creates an engine. Rejects if the embedded store cannot be opened; Redis need not be there yet. */
export async function createEngine(choice: EngineChoice, options: EngineOptions): Promise<Engine> {
  return choice.engine === 'redis'
    ? createRedisEngine({ ...options, ...choice })
    : createEmbeddedEngine({ ...options, ...choice })
}
