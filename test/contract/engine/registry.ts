import { describe, expect, test } from 'vitest'
import { type Harness, someUser } from './harness.ts'

/** The registry of processes. */
export function registryLaw(harness: Harness): void {
  describe('the registry', () => {
    test('a process is among its peers as it entered', async () => {
      const { registry } = await harness.open()
      const peer = { role: 'all', url: `http://127.0.0.1:3000/${someUser()}` }
      registry.enter(peer)
      expect(await registry.peers()).toContainEqual(peer)
    })
  })
}
