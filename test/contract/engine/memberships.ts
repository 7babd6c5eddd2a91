import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { controlDraft } from '../../../src/core/drafts/server.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { recordTopic } from '../../support/listener.ts'
import { ALL, type Harness } from './harness.ts'

const MOST = 3

const join = (engine: Engine, user: string, room: string, publish = false): Promise<boolean> =>
  engine.memberships.grant(
    { user, room, publish },
    controlDraft(user, { action: 'join', room, publish }),
    MOST,
  )

const leave = (engine: Engine, user: string, room: string): Promise<boolean> =>
  engine.memberships.withdraw({ user, room }, controlDraft(user, { action: 'leave', room }))

/** The entries of the user's log, as text. */
const controlsOf = async (engine: Engine, user: string) =>
  (await engine.broker.since(userChannel(user), { seq: 0 }, ALL)).publications.map((publication) => {
    const { action, room } = payloadOf(publication)
    return `${publication.seq} ${publication.event} ${action} ${room}`
  })

/** Memberships: who is a member of which room. */
export function membershipsLaw(harness: Harness): void {
  describe('memberships', () => {
    test('are kept, changed and taken back, and each change is an entry of the log; what changes nothing is none', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      expect(await engine.memberships.of(user)).toEqual(new Map())
      expect(await leave(engine, user, 'den')).toBe(false)
      expect(await join(engine, user, 'den')).toBe(true)
      expect(await join(engine, user, 'den')).toBe(false)
      expect(await join(engine, user, '{x} :"\\ 😀', true)).toBe(true)
      expect(await engine.memberships.of(user)).toEqual(
        new Map([
          ['den', false],
          ['{x} :"\\ 😀', true],
        ]),
      )
      expect(await join(engine, user, 'den', true)).toBe(true)
      expect(await leave(engine, user, '{x} :"\\ 😀')).toBe(true)
      expect(await leave(engine, user, '{x} :"\\ 😀')).toBe(false)
      expect(await engine.memberships.of(user)).toEqual(new Map([['den', true]]))
      expect(await controlsOf(engine, user)).toEqual([
        '1 control join den',
        '2 control join {x} :"\\ 😀',
        '3 control join den',
        '4 control leave {x} :"\\ 😀',
      ])
    })

    test('a change is heard on the topic of its user, and of nobody else', async () => {
      const engine = await harness.open()
      const [user, other] = [randomUUID(), randomUUID()]
      const [recorder, otherRecorder] = [
        await recordTopic(engine, userChannel(user)),
        await recordTopic(engine, userChannel(other)),
      ]
      await join(engine, other, 'yard')
      await join(engine, user, 'den', true)
      await Promise.all([recorder.hasHeard(1), otherRecorder.hasHeard(1)])
      expect(payloadOf(recorder.heard[0]!)).toMatchObject({
        action: 'join',
        room: 'den',
        publish: true,
        seq: 1,
      })
      expect(payloadOf(otherRecorder.heard[0]!)).toMatchObject({ room: 'yard' })
    })

    test('one more than allowed is refused and changes nothing, however many come at once; one fewer makes room', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const results = await Promise.allSettled(
        ['a', 'b', 'c', 'd', 'e'].map((room) => join(engine, user, room)),
      )
      const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
      expect(refused.map(({ reason }) => reason.code)).toEqual([
        'too_many_memberships',
        'too_many_memberships',
      ])
      const [first] = (await engine.memberships.of(user)).keys()
      expect((await engine.memberships.of(user)).size).toBe(MOST)
      expect(await controlsOf(engine, user)).toHaveLength(MOST)
      expect(await join(engine, user, first!, true)).toBe(true)
      expect(await leave(engine, user, first!)).toBe(true)
      expect(await join(engine, user, 'z')).toBe(true)
    })

    test('the same change from many sides at once is made once', async () => {
      const engine = await harness.open()
      const user = randomUUID()
      const changes = await Promise.all(Array.from({ length: 20 }, () => join(engine, user, 'den')))
      expect(changes.filter(Boolean)).toHaveLength(1)
      expect(await controlsOf(engine, user)).toEqual(['1 control join den'])
    })
  })
}
