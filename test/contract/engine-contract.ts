import { describe, expect, test } from 'vitest'
import { arrivalsLaw } from './engine/arrivals.ts'
import { brokerIdempotencyLaw } from './engine/broker-idempotency.ts'
import { brokerIdentityLaw } from './engine/broker-identity.ts'
import { brokerLogLaw } from './engine/broker-log.ts'
import { brokerRetentionLaw } from './engine/broker-retention.ts'
import { brokerTopicsLaw } from './engine/broker-topics.ts'
import { brokerUnwrittenLaw } from './engine/broker-unwritten.ts'
import { connectionsLaw } from './engine/connections.ts'
import { engineLaw } from './engine/engine.ts'
import { engineClosingLaw } from './engine/engine-closing.ts'
import { engineRestartLaw } from './engine/engine-restart.ts'
import { engineSharedLaw } from './engine/engine-shared.ts'
import { type Features, Harness, type Store } from './engine/harness.ts'
import { inboxLaw } from './engine/inbox.ts'
import { inboxAcknowledgeLaw } from './engine/inbox-acknowledge.ts'
import { inboxLifetimesLaw } from './engine/inbox-lifetimes.ts'
import { inboxModelLaw } from './engine/inbox-model.ts'
import { inboxRetentionLaw } from './engine/inbox-retention.ts'
import { inboxTimesLaw } from './engine/inbox-times.ts'
import { inboxWordsLaw } from './engine/inbox-words.ts'
import { membershipsLaw } from './engine/memberships.ts'
import { presenceLaw } from './engine/presence.ts'
import { registryLaw } from './engine/registry.ts'
import { revocationsLaw } from './engine/revocations.ts'
import { scheduleLaw } from './engine/schedule.ts'
import { webhookQueueLaw } from './engine/webhook-queue.ts'

export type { Features, Store }

/** For the commands of stores elsewhere, in milliseconds: the law is not about speed, and what happens without an answer in time has tests of its own. */
export const PATIENT = 10_000

/** By port, in the order of `src/core/engine/engine.ts`. */
const LAWS = [
  ...[brokerTopicsLaw, brokerLogLaw, brokerUnwrittenLaw, brokerRetentionLaw],
  ...[brokerIdempotencyLaw, brokerIdentityLaw],
  ...[inboxLaw, inboxWordsLaw, inboxLifetimesLaw, inboxAcknowledgeLaw, inboxTimesLaw],
  ...[inboxRetentionLaw, inboxModelLaw],
  ...[
    scheduleLaw,
    webhookQueueLaw,
    connectionsLaw,
    arrivalsLaw,
    presenceLaw,
    membershipsLaw,
    revocationsLaw,
    registryLaw,
  ],
  ...[engineLaw, engineClosingLaw, engineSharedLaw, engineRestartLaw],
]

/**
 * The law for engines: what `src/core/engine/engine.ts` promises. `makeStore` makes a store that knows nothing of any other, and `features`
 * says what is promised only by some.
 */
export function engineContract(name: string, makeStore: () => Promise<Store>, features: Features): void {
  describe(name, () => {
    const harness = new Harness(makeStore, features)
    for (const law of LAWS) law(harness)

    test('every feature is one that the law asks for', () => {
      expect(harness.unreadFlags).toEqual([])
    })
  })
}
