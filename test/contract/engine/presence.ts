import { describe, expect, test } from 'vitest'
import { draftOf } from '../../support/drafts.ts'
import { ALL, type Court, publishMany, seqsOf, someRoom, someUser } from './court.ts'

/** Who is there, whose tokens are refused, and which processes run. */
export function presenceLaw(court: Court): void {
  describe('presence', () => {
    test('a channel has as many connections as were stated last', async () => {
      const { broker, presence } = await court.open()
      const [channel, other] = [someUser(), someRoom()]
      for (const connections of [2, 5, 1, 0, 3]) {
        await presence.announce(channel, connections)
        const [nobody, attendance] = await presence.count([other, channel])
        expect(attendance!.connections).toBe(connections)
        expect(nobody).toEqual({ connections: 0, lastSeen: undefined })
        expect((await broker.publish(draftOf(channel))).connections).toBe(connections)
      }
      expect(await presence.count([])).toEqual([])
    })

    test('a channel was last seen when its last connection went', async () => {
      const { presence } = await court.open()
      const channel = someUser()
      await presence.announce(channel, 1)
      const before = Date.now()
      await presence.announce(channel, 0)
      const after = Date.now()
      const [attendance] = await presence.count([channel])
      expect(attendance!.connections).toBe(0)
      expect(attendance!.lastSeen).toBeGreaterThanOrEqual(before)
      expect(attendance!.lastSeen).toBeLessThanOrEqual(after)
    })

    test('announce answers where the log stands, and founds it', async () => {
      const { broker, presence } = await court.open()
      const channel = someUser()
      const start = await presence.announce(channel, 1)
      expect(start.seq).toBe(0)
      await publishMany({ broker }, channel, 3)
      const { head, gap, ...page } = await broker.since(channel, start, ALL)
      expect(gap).toBeUndefined()
      expect(seqsOf({ head, ...page })).toEqual([1, 2, 3])
      expect(await presence.announce(channel, 1)).toEqual(head)
      expect(await presence.announce(channel, 0)).toEqual(head)
    })
  })

  describe('revocations', () => {
    test('the latest one of each user counts, in whatever order they arrive', async () => {
      const { revocations } = await court.open()
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
      const { registry } = await court.open()
      const peer = { role: 'all', url: `http://127.0.0.1:3000/${someUser()}` }
      registry.enter(peer)
      expect(await registry.peers()).toContainEqual(peer)
    })
  })

  describe('the engine', () => {
    test('a probe comes back, again and again, and at the same time', async () => {
      const engine = await court.open()
      await engine.probe()
      await Promise.all([engine.probe(), engine.probe()])
    })

    test('it describes itself in sentences', async () => {
      const sentences = await (await court.open()).describe()
      expect(sentences.length).toBeGreaterThan(0)
      for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/)
    })
  })
}
