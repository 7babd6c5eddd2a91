import type { Engine, PublicationHandler } from '../../src/core/engine.ts'

/** The engine as it is, on a bell that loses what it is told to lose. */
export function withLossyBell(engine: Engine): {
  engine: Engine
  lose: { next: number }
  restore: () => void
  /** Lets every subscriber hear something that nobody published. */
  ring: PublicationHandler
} {
  const lose = { next: 0 }
  const listeners: (() => void)[] = []
  const lossy = new Map<PublicationHandler, PublicationHandler>()
  const { broker } = engine
  return {
    lose,
    ring: (publication) => {
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
