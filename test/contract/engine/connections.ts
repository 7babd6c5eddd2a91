import { describe, expect, test } from 'vitest'
import { draftOf } from '../../support/drafts.ts'
import { ALL, type Harness, publishMany, seqsOf, someRoom, someUser } from './harness.ts'

/** Connections: who is there, and since when nobody is. */
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

    test('announce answers where the log stands, also before its first entry', async () => {
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
}
