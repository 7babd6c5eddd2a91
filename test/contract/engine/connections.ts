import { describe, expect, test } from 'vitest'
import { draftOf } from '../../support/drafts.ts'
import { ALL, type Harness, publishMany, seqsOf, someRoom, someUser } from './harness.ts'

/** Who is there, whose tokens are refused, and which processes run. */
export function connectionsLaw(harness: Harness): void {
  describe('connections', () => {
    test('a channel has as many connections as were stated last', async () => {
      const { broker, connections } = await harness.open()
      const [channel, other] = [someUser(), someRoom()]
      for (const count of [2, 5, 1, 0, 3]) {
        await connections.announce(channel, count)
        const [nobody, counted] = await connections.count([other, channel])
        expect(counted!.connections).toBe(count)
        expect(nobody).toEqual({ connections: 0, lastSeen: undefined })
        expect((await broker.publish(draftOf(channel))).connections).toBe(count)
      }
      expect(await connections.count([])).toEqual([])
    })

    test('a channel was last seen when its last connection went', async () => {
      const { connections } = await harness.open()
      const channel = someUser()
      await connections.announce(channel, 1)
      const before = Date.now()
      await connections.announce(channel, 0)
      const after = Date.now()
      const [counted] = await connections.count([channel])
      expect(counted!.connections).toBe(0)
      expect(counted!.lastSeen).toBeGreaterThanOrEqual(before)
      expect(counted!.lastSeen).toBeLessThanOrEqual(after)
    })

    test('announce answers where the log stands, and founds it', async () => {
      const { broker, connections } = await harness.open()
      const channel = someUser()
      const start = await connections.announce(channel, 1)
      expect(start.seq).toBe(0)
      await publishMany({ broker }, channel, 3)
      const { head, gap, ...page } = await broker.since(channel, start, ALL)
      expect(gap).toBeUndefined()
      expect(seqsOf({ head, ...page })).toEqual([1, 2, 3])
      expect(await connections.announce(channel, 1)).toEqual(head)
      expect(await connections.announce(channel, 0)).toEqual(head)
    })
  })

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

  describe('the registry', () => {
    test('a process is among its peers as it entered', async () => {
      const { registry } = await harness.open()
      const peer = { role: 'all', url: `http://127.0.0.1:3000/${someUser()}` }
      registry.enter(peer)
      expect(await registry.peers()).toContainEqual(peer)
    })
  })

  describe('the engine', () => {
    test('a probe comes back, again and again, and at the same time', async () => {
      const engine = await harness.open()
      await engine.probe()
      await Promise.all([engine.probe(), engine.probe()])
    })

    test('it describes itself in sentences', async () => {
      const sentences = await (await harness.open()).describe()
      expect(sentences.length).toBeGreaterThan(0)
      for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/)
    })
  })
}
