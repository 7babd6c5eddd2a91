import type { PublicationHandler } from '../../src/core/engine/broker.ts'
import type { Engine, Retention } from '../../src/core/engine/engine.ts'
import { openMemory } from './engines.ts'

/** An engine whose topics can be disturbed. */
export interface LossyEngine {
  engine: Engine
  /** Number of the next publications that are not heard. */
  lose: { next: number }
  /** Says that the topics were away and are back. */
  restore: () => void
  /** Lets every subscriber hear something that nobody published. */
  deliver: PublicationHandler
}

/** An embedded engine in memory, with such topics; all its channels have this retention. What it has to report is thrown. */
export async function openLossyEngine(retention: Retention): Promise<LossyEngine> {
  return withLossyTopics(await openMemory(retention))
}

/** The engine as it is, with topics that lose what they are asked to. */
function withLossyTopics(engine: Engine): LossyEngine {
  const lose = { next: 0 }
  const listeners: (() => void)[] = []
  const lossy = new Map<PublicationHandler, PublicationHandler>()
  const { broker } = engine
  return {
    lose,
    deliver: (publication) => {
      for (const handler of lossy.keys()) handler(publication)
    },
    restore: () => {
      for (const listener of listeners) listener()
    },
    engine: {
      ...engine,
      broker: {
        publish: (draft) => broker.publish(draft),
        publishAll: (drafts) => broker.publishAll(drafts),
        since: (...args) => broker.since(...args),
        latest: (...args) => broker.latest(...args),
        onRestored: (listener) => listeners.push(listener),
        unsubscribe: (name, handler) => broker.unsubscribe(name, lossy.get(handler) ?? handler),
        subscribe(name, handler) {
          const losing: PublicationHandler = (publication) => {
            if (lose.next > 0) lose.next--
            else handler(publication)
          }
          lossy.set(handler, losing)
          return broker.subscribe(name, losing)
        },
      },
    },
  }
}
