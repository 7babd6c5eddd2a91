import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { ACK_PATIENCE, AckGroup, type Note } from '../../../src/core/delivery/ack-group.ts'
import { AckWindow } from '../../../src/core/delivery/ack-window.ts'
import type { Acknowledgement } from '../../../src/core/engine/inbox.ts'
import { report } from '../../support/engines.ts'

/** A tab of a user that was sent everything above this seq. */
function tabOf(user: string, above = 0) {
  const ackWindow = new AckWindow()
  ackWindow.beginAt(above)
  return { channel: `user:${user}` as const, ackWindow }
}

/** A group whose notes are written down, and succeed unless `fails` says otherwise. */
function groupOf(fails: (ack: Acknowledgement) => boolean = () => false) {
  const noted: [user: string, above: number, seq: number][][] = []
  const note: Note = async (acks) => {
    noted.push(acks.map(({ channel, above, seq }) => [channel.slice(5), above, seq]))
    return Promise.allSettled(
      acks.map(async (ack) => {
        await delay(1)
        if (fails(ack)) throw new Error('away')
      }),
    )
  }
  return { noted, group: new AckGroup(note, report) }
}

const nothing = (): void => {}

test('acknowledgements wait for a moment and go together: the highest of a tab, and one of the tabs of a user', async () => {
  const { noted, group } = groupOf()
  const [ada, other, bob] = [tabOf('ada'), tabOf('ada'), tabOf('bob', 7)]
  const order: string[] = []
  const began = performance.now()
  group.add(ada, 1, () => order.push('ada 1'))
  group.add(bob, 8, () => order.push('bob 8'))
  group.add(ada, 3, () => order.push('ada 3'))
  group.add(other, 2, nothing)
  group.add(ada, 2, () => order.push('ada 2'))
  await delay(ACK_PATIENCE / 4)
  expect(noted).toEqual([])
  await vi.waitFor(() => expect(order).toHaveLength(4))
  expect(performance.now() - began).toBeGreaterThan(ACK_PATIENCE * 0.9)
  expect(noted).toEqual([
    [
      ['ada', 0, 3],
      ['bob', 7, 8],
    ],
  ])
  expect(order).toEqual(['ada 1', 'ada 3', 'ada 2', 'bob 8'])
  expect([ada, other, bob].map(({ ackWindow }) => ackWindow.above)).toEqual([3, 2, 8])
})

test.each<[what: string, tabs: [above: number, seq: number][], noted: [above: number, seq: number][]]>([
  [
    'that overlap are one',
    [
      [4, 9],
      [0, 5],
    ],
    [[0, 9]],
  ],
  [
    'that touch are one',
    [
      [5, 9],
      [0, 5],
    ],
    [[0, 9]],
  ],
  [
    'of which one holds the other are that one',
    [
      [0, 9],
      [3, 5],
    ],
    [[0, 9]],
  ],
  [
    'with a hole between them stay apart, the lowest first',
    [
      [6, 9],
      [0, 5],
    ],
    [
      [0, 5],
      [6, 9],
    ],
  ],
  [
    'that have nothing new are none',
    [
      [5, 5],
      [0, 5],
    ],
    [[0, 5]],
  ],
])('stretches of the tabs of a user %s', async (_, tabs, expected) => {
  const { noted, group } = groupOf()
  for (const [above, seq] of tabs) group.add(tabOf('ada', above), seq, nothing)
  await group.drain()
  expect(noted).toEqual([expected.map(([above, seq]) => ['ada', above, seq])])
})

test('what somebody waits for goes at once, and takes the others along', async () => {
  const { noted, group } = groupOf()
  const [ada, bob] = [tabOf('ada'), tabOf('bob')]
  group.add(bob, 4, nothing)
  ada.ackWindow.awaits(2)
  group.add(ada, 1, nothing)
  await delay(ACK_PATIENCE / 4)
  expect(noted).toEqual([])
  group.add(ada, 2, nothing)
  await delay(ACK_PATIENCE / 4)
  expect(noted).toEqual([
    [
      ['bob', 0, 4],
      ['ada', 0, 2],
    ],
  ])
  // It has been acknowledged, so nobody waits any more.
  group.add(ada, 3, nothing)
  await delay(ACK_PATIENCE / 4)
  expect(noted).toHaveLength(1)
})

test('one that could not be noted is told so, and is noted with the next one', async () => {
  let away = true
  const { noted, group } = groupOf(({ channel }) => away && channel === 'user:ada')
  const [ada, bob] = [tabOf('ada'), tabOf('bob')]
  const results: unknown[] = []
  group.add(ada, 1, (error) => results.push(error))
  group.add(bob, 1, (error) => results.push(error))
  await Promise.all([group.settle(ada), group.settle(bob)])
  expect(results).toEqual([expect.objectContaining({ message: 'away' }), undefined])
  away = false
  group.add(ada, 2, (error) => results.push(error))
  await group.settle(ada)
  expect(noted.slice(1)).toEqual([[['ada', 0, 2]]])
  expect(results[2]).toBeUndefined()
})

test('while a slow store notes a group, others gather, and each is told after its own', async () => {
  const { noted, group } = groupOf()
  const [ada, bob] = [tabOf('ada'), tabOf('bob')]
  const told: number[] = []
  group.add(ada, 1, () => told.push(1))
  const first = group.settle(ada)
  await Promise.resolve()
  group.add(ada, 2, () => told.push(2))
  group.add(bob, 1, nothing)
  await first
  expect(told).toEqual([1])
  await group.settle(ada)
  expect(told).toEqual([1, 2])
  expect(noted).toEqual([
    [['ada', 0, 1]],
    [
      ['ada', 0, 2],
      ['bob', 0, 1],
    ],
  ])
})

test('more than a hundred go in several calls', async () => {
  const { noted, group } = groupOf()
  for (let index = 0; index < 250; index++) group.add(tabOf(`user ${index}`), 1, nothing)
  await group.drain()
  expect(noted.map((acks) => acks.length)).toEqual([100, 100, 50])
})

test('while the process drains, nothing waits for others', async () => {
  const { noted, group } = groupOf()
  const ada = tabOf('ada')
  group.add(ada, 1, nothing)
  await group.drain()
  expect(noted).toEqual([[['ada', 0, 1]]])
  group.add(ada, 2, nothing)
  await delay(ACK_PATIENCE / 4)
  expect(noted).toHaveLength(2)
})

test('what was processed of a log is not processed of the one that begins anew, also while it is being noted', async () => {
  const { noted, group } = groupOf()
  const [ada, bob] = [tabOf('ada'), tabOf('bob')]
  group.add(ada, 5, nothing)
  group.add(bob, 5, nothing)
  ada.ackWindow.beginsAnewAt(2)
  const drained = group.drain()
  await Promise.resolve()
  bob.ackWindow.beginsAnewAt(0)
  await drained
  expect(noted).toEqual([
    [
      ['ada', 0, 2],
      ['bob', 0, 5],
    ],
  ])
  expect([ada.ackWindow.above, bob.ackWindow.above]).toEqual([2, 0])
})

test('what a tab was shown by other means may be awaited, so it goes at once', async () => {
  const { noted, group } = groupOf()
  const ada = tabOf('ada', 5)
  ada.ackWindow.reachesDownTo(2)
  group.add(ada, 6, nothing)
  await delay(ACK_PATIENCE / 4)
  expect(noted).toEqual([[['ada', 2, 6]]])
})
