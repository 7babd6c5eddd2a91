import type { Engine, EngineOptions } from '../core/engine/engine.ts'
import { createEmbeddedEngine } from './embedded/engine.ts'
import { createRedisEngine } from './redis/engine.ts'

/** Which engine, and what it needs to know. */
export type EngineChoice =
  | { engine: 'embedded'; path: string; durability: 'process' | 'power' }
  | { engine: 'redis'; url: string; prefix: string; commandTimeout: number; replicas: number }

/** The only place that knows both engines. Rejects if the embedded store cannot be opened; Redis may come later. */
export async function createEngine(choice: EngineChoice, options: EngineOptions): Promise<Engine> {
  return choice.engine === 'redis'
    ? createRedisEngine({ ...options, ...choice })
    : createEmbeddedEngine({ ...options, ...choice })
}
