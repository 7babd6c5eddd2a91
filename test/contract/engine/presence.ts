import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { recordTopic, type TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness } from './harness.ts'

const eventsOf = ({ heard }: TopicRecorder): string[] =>
  heard.map((publication) => {
    const { room: _, user, action, count } = payloadOf(publication)
    return `${user} ${action} ${count}`
  })

const listOf = async (engine: Engine, room: string) => {
  const { users, count } = await engine.presence.list(room, 1000)
  return { users: users.map(({ user, connections }) => `${user} ${connections}`).sort(), count }
}

/** Presence: who is in which room. */
export function presenceLaw(harness: Harness): void {
  describe('the presence', () => {
    test('a user is there as long as a connection is, and this is published once', async () => {
      const engine = await harness.open()
      const room = `${randomUUID()} "{}/😀`
      const recorder = await recordTopic(engine, roomChannel(room))
      expect(await listOf(engine, room)).toEqual({ users: [], count: 0 })
      await engine.presence.state(room, new Map([['ada', 1]]))
      await engine.presence.state(
        room,
        new Map([
          ['ada', 2],
          ['b"o/b\\ 😀', 1],
        ]),
      )
      expect(await listOf(engine, room)).toEqual({ users: ['ada 2', 'b"o/b\\ 😀 1'], count: 2 })
      await engine.presence.state(
        room,
        new Map([
          ['ada', 1],
          ['nobody', 0],
        ]),
      )
      await engine.presence.state(room, new Map([['ada', 0]]))
      await engine.presence.state(room, new Map([['ada', 0]]))
      await engine.presence.state(room, new Map([['b"o/b\\ 😀', 0]]))
      await recorder.hasHeard(4)
      expect(eventsOf(recorder)).toEqual([
        'ada join 1',
        'b"o/b\\ 😀 join 2',
        'ada leave 1',
        'b"o/b\\ 😀 leave 0',
      ])
      expect(payloadOf(recorder.heard[0]!).room).toBe(room)
      expect(await listOf(engine, room)).toEqual({ users: [], count: 0 })
    })

    test('joins and leaves are ephemeral, never stored', async () => {
      const engine = await harness.open()
      const room = randomUUID()
      const recorder = await recordTopic(engine, roomChannel(room))
      await engine.presence.state(room, new Map([['ada', 1]]))
      await recorder.hasHeard(1)
      expect(recorder.heard[0]).toMatchObject({ event: 'presence', seq: 0, epoch: '' })
      const page = await engine.broker.since(roomChannel(room), { seq: 0 }, ALL)
      expect(page.publications).toEqual([])
      expect(page.head.seq).toBe(0)
    })

    test('a list has so many at most, and the count of all; a thousand in one call are all there', async () => {
      const engine = await harness.open()
      const room = randomUUID()
      await engine.presence.state(
        room,
        new Map(Array.from({ length: 1200 }, (_, index) => [`user ${index}`, 1])),
      )
      const { users, count } = await engine.presence.list(room, 1000)
      expect(new Set(users.map(({ user }) => user)).size).toBe(1000)
      expect(count).toBe(1200)
    })

    test('a user who is in two processes has left when both are left', async () => {
      if (!harness.features.shared) return
      const [one, two] = [await harness.open(), await harness.open()]
      const room = randomUUID()
      const recorder = await recordTopic(one, roomChannel(room))
      await one.presence.state(room, new Map([['ada', 2]]))
      await two.presence.state(room, new Map([['ada', 1]]))
      expect(await listOf(two, room)).toEqual({ users: ['ada 3'], count: 1 })
      await one.presence.state(room, new Map([['ada', 0]]))
      expect(await listOf(one, room)).toEqual({ users: ['ada 1'], count: 1 })
      await two.presence.state(room, new Map([['ada', 0]]))
      await recorder.hasHeard(2)
      expect(eventsOf(recorder)).toEqual(['ada join 1', 'ada leave 0'])
    })
  })
}
