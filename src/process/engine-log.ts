import type { Engine } from '../core/engine/engine.ts'
import type { EngineListener } from '../core/lifecycle/readiness.ts'

/** How a sentence begins that an operator should heed. */
const WARNING = 'WARNING: '

/** Resolves to the facts about the engine that an operator should know, one sentence each; never rejects: that it is away is one of them. */
export async function describeEngine(engine: Engine): Promise<string[]> {
  return engine.describe().catch((error: Error) => [`${WARNING}${error.message}.`])
}

/**
 * Writes into the log when the engine is lost and when it is back. With `atStart` also, once, what there is to heed about it, as soon as
 * it answers: in development the banner has that. All at the same level: who reads of a loss should read of its end.
 */
export function createEngineLog(
  engine: Engine,
  warn: (message: string) => void,
  atStart: boolean,
): EngineListener {
  const tellStart = async (): Promise<void> => {
    for (const sentence of await describeEngine(engine))
      if (sentence.startsWith(WARNING)) warn(sentence.slice(WARNING.length))
  }
  return {
    found() {
      if (atStart) void tellStart()
    },
    lost: (reason) => warn(`the engine is away: ${reason}`),
    back: (seconds) => warn(`the engine is back; it was away for ${seconds.toFixed(1)} s`),
  }
}
