import { describe, expect, test } from 'vitest'
import { type Harness, someUser } from './harness.ts'

/** Whose tokens are refused. */
export function revocationsLaw(harness: Harness): void {
  describe('revocations', () => {
    test('the latest one of each user counts, in whatever order they arrive', async () => {
      const { revocations } = await harness.open()
      const [user, other] = [someUser(), someUser()]
      expect(await revocations.revokedUntil(user)).toBe(0)
      await revocations.revoke(user, 1_700_000_000)
      expect(await revocations.revokedUntil(user)).toBe(1_700_000_000)
      await revocations.revoke(user, 1_700_000_005)
      await revocations.revoke(user, 1_700_000_003)
      expect(await revocations.revokedUntil(user)).toBe(1_700_000_005)
      expect(await revocations.revokedUntil(other)).toBe(0)
    })
  })
}
