import { describe, expect, test } from 'vitest'
import { closingLaw } from './engine/closing.ts'
import { connectionsLaw } from './engine/connections.ts'
import { type Features, Harness, type Store } from './engine/harness.ts'
import { idempotencyLaw } from './engine/idempotency.ts'
import { identityLaw } from './engine/identity.ts'
import { inboxLaw } from './engine/inbox.ts'
import { inboxModelLaw } from './engine/inbox-model.ts'
import { logLaw } from './engine/log.ts'
import { membershipsLaw } from './engine/memberships.ts'
import { presenceLaw } from './engine/presence.ts'
import { restartLaw } from './engine/restart.ts'
import { retentionLaw } from './engine/retention.ts'
import { scheduleLaw } from './engine/schedule.ts'
import { sharedLaw } from './engine/shared.ts'
import { topicsLaw } from './engine/topics.ts'
import { webhookQueueLaw } from './engine/webhook-queue.ts'

export type { Features, Store }

/** For the commands of stores elsewhere, in milliseconds: the law is not about speed, and what happens without an answer in time has tests of its own. */
export const PATIENT = 10_000

/**
 * The law for engines: what `src/core/engine/engine.ts` promises. `makeStore` makes a store that knows nothing of any other, and `features`
 * says what is promised only by some.
 */
export function engineContract(name: string, makeStore: () => Promise<Store>, features: Features): void {
  describe(name, () => {
    const harness = new Harness(makeStore, features)
    topicsLaw(harness)
    logLaw(harness)
    retentionLaw(harness)
    idempotencyLaw(harness)
    identityLaw(harness)
    connectionsLaw(harness)
    membershipsLaw(harness)
    presenceLaw(harness)
    inboxLaw(harness)
    inboxModelLaw(harness)
    scheduleLaw(harness)
    webhookQueueLaw(harness)
    closingLaw(harness)
    sharedLaw(harness)
    restartLaw(harness)

    test('every feature is one that the law asks for', () => {
      expect(harness.unreadFlags).toEqual([])
    })
  })
}
