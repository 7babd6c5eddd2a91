import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { controlDraft } from '../../../src/core/drafts/server.ts'
import type { Arrival, ArrivingUser } from '../../../src/core/engine/arrivals.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { draftOf } from '../../support/drafts.ts'
import { ALL, type Harness } from './harness.ts'

const enterAll = async (engine: Engine, users: readonly ArrivingUser[]): Promise<Arrival[]> => {
  const results = await engine.arrivals.enter(users)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

const enter = async (engine: Engine, user: string, connections = 1): Promise<Arrival> =>
  (await enterAll(engine, [{ user, connections }]))[0]!

const grant = (engine: Engine, user: string, room: string, publish = false): Promise<boolean> =>
  engine.memberships.grant(
    { user, room, publish },
    controlDraft(user, { action: 'join', room, publish }),
    100,
  )

/** Arrivals: what a connection needs that comes. */
export function arrivalsLaw(harness: Harness): void {
  describe('arrivals', () => {
    test('a user of whom nothing is stored has the beginning of a log, no revocation and no rooms', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const { position, revokedUntil, memberships } = await enter(engine, user)
      expect(position).toEqual(await engine.connections.announce(userChannel(user), 1))
      expect(position.seq).toBe(0)
      expect(revokedUntil).toBe(0)
      expect(memberships).toEqual(new Map())
      await engine.broker.publish(draftOf(userChannel(user)))
      const page = await engine.broker.since(userChannel(user), position, ALL)
      expect(page.gap).toBeUndefined()
      expect(page.publications).toHaveLength(1)
    })

    test('each of many users is answered with what is theirs, and has the connections that were stated', async () => {
      const engine = await harness.open()
      const users = Array.from({ length: 150 }, (_, index) => ({
        user: `${randomUUID()} {${index}}`,
        connections: 1 + (index % 3),
      }))
      const [ada, bob, cyd] = [users[3]!.user, users[77]!.user, users[149]!.user]
      await grant(engine, ada, 'den', true)
      await grant(engine, ada, '{x} :"\\ 😀')
      await engine.revocations.revoke(bob, 1_700_000_000)
      await engine.broker.publish(draftOf(userChannel(cyd)))
      const arrivals = await enterAll(engine, users)
      const rooms = new Map([
        ['den', true],
        ['{x} :"\\ 😀', false],
      ])
      for (const [index, { user, connections }] of users.entries()) {
        const { memberships, revokedUntil, position } = arrivals[index]!
        expect(memberships).toEqual(user === ada ? rooms : new Map())
        expect(revokedUntil).toBe(user === bob ? 1_700_000_000 : 0)
        expect(position.seq).toBe(user === ada ? 2 : user === cyd ? 1 : 0)
        expect(position).toEqual(await engine.connections.announce(userChannel(user), connections))
      }
      const counted = await engine.connections.count(users.map(({ user }) => userChannel(user)))
      expect(counted.map(({ connections }) => connections)).toEqual(
        users.map(({ connections }) => connections),
      )
      expect(await engine.arrivals.enter([])).toEqual([])
    })

    test('a change that an arrival does not show has its control entry behind the position', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const arrivals: Arrival[] = []
      let done = false
      const coming = (async () => {
        while (!done) arrivals.push(await enter(engine, user))
      })()
      for (let room = 1; room <= 40; room++) await grant(engine, user, `room ${room}`)
      done = true
      await coming
      // Each room is one entry, so the seq of the position is the number of rooms that must be there; newer ones may be.
      for (const { position, memberships } of arrivals)
        for (let room = 1; room <= position.seq; room++) expect(memberships.has(`room ${room}`)).toBe(true)
      expect((await enter(engine, user)).memberships.size).toBe(40)
    })

    test('what was stated holds until the next statement, also by a count', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const channel = userChannel(user)
      const connectionsOf = async (): Promise<number> =>
        (await engine.connections.count([channel]))[0]!.connections
      await enter(engine, user, 2)
      expect(await connectionsOf()).toBe(2)
      await engine.connections.announce(channel, 0)
      expect(await connectionsOf()).toBe(0)
      await enter(engine, user, 3)
      expect((await engine.broker.publish(draftOf(channel))).connections).toBe(3)
    })
  })
}
