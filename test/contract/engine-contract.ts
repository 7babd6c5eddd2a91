import { describe, expect, test } from 'vitest'
import { bellLaw } from './engine/bell.ts'
import { closingLaw } from './engine/closing.ts'
import { Court, type Features, type Store } from './engine/court.ts'
import { idempotencyLaw } from './engine/idempotency.ts'
import { identityLaw } from './engine/identity.ts'
import { inboxLaw } from './engine/inbox.ts'
import { inboxModelLaw } from './engine/inbox-model.ts'
import { logLaw } from './engine/log.ts'
import { membershipsLaw } from './engine/memberships.ts'
import { presenceLaw } from './engine/presence.ts'
import { restartLaw } from './engine/restart.ts'
import { retentionLaw } from './engine/retention.ts'
import { rosterLaw } from './engine/roster.ts'
import { scheduleLaw } from './engine/schedule.ts'
import { sharedLaw } from './engine/shared.ts'
import { watchesLaw } from './engine/watches.ts'

export type { Features, Store }

/** For the commands of stores elsewhere, in milliseconds: the law is not about speed, and what happens without an answer in time has tests of its own. */
export const PATIENT = 10_000

/**
 * The law for engines: what `src/core/engine.ts` promises. `makeStore` makes a store that knows nothing of any other, and `features`
 * says what is promised only by some.
 */
export function engineContract(name: string, makeStore: () => Promise<Store>, features: Features): void {
  describe(name, () => {
    const court = new Court(makeStore, features)
    bellLaw(court)
    logLaw(court)
    retentionLaw(court)
    idempotencyLaw(court)
    identityLaw(court)
    presenceLaw(court)
    membershipsLaw(court)
    rosterLaw(court)
    inboxLaw(court)
    inboxModelLaw(court)
    scheduleLaw(court)
    watchesLaw(court)
    closingLaw(court)
    sharedLaw(court)
    restartLaw(court)

    test('every feature is one that the law asks for', () => {
      expect(court.unreadFlags).toEqual([])
    })
  })
}
