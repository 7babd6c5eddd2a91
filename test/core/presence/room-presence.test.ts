import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Subscription } from '../../../src/core/delivery/subscription.ts'
import { roomChannel } from '../../../src/core/model/channel.ts'
import type { PresenceSnapshot } from '../../../src/core/presence/presence-view.ts'
import { LEAVE_PAUSE, RoomPresence } from '../../../src/core/presence/room-presence.ts'
import { report } from '../../support/engines.ts'
import { Recorder } from '../../support/recorder.ts'

/** Statements about Ada, and the end of the one under way. */
let stated: number[]
let done: () => void
let people: RoomPresence
let tab: Recorder
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  stated = []
  tab = new Recorder()
  tab.user = 'ada'
  // Stands for an engine that takes its time.
  people = new RoomPresence(
    {
      broker: { onRestored: () => undefined, subscribe: async () => undefined, unsubscribe: () => undefined },
      presence: {
        list: async () => ({ users: [{ user: 'ada' }], count: 1 }),
        state: (_: string, all: Map<string, number>) => {
          stated.push(all.get('ada')!)
          return new Promise<void>((resolve) => {
            done = resolve
          })
        },
      },
    } as never,
    report,
  )
})
afterEach(() => {
  people.stop()
  vi.useRealTimers()
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** Ends the statement under way, and lets the next one begin. */
const stateAll = async (): Promise<void> => {
  done()
  for (let turns = 0; turns < 3; turns++) await turn()
}

test('one who comes back has never been away, however slowly that is stated', async () => {
  people.enter('den', tab)
  await turn()
  people.leave('den', tab)
  people.enter('den', tab)
  people.leave('den', tab)
  for (let statements = 0; statements < 2; statements++) await stateAll()
  people.enter('den', tab)
  await turn()
  await stateAll()
  vi.advanceTimersByTime(2 * LEAVE_PAUSE)
  await turn()
  await stateAll()
  expect(stated).not.toContain(0)
  expect(stated.at(-1)).toBe(1)
})

test('one who left is away after a pause, once', async () => {
  people.enter('den', tab)
  await turn()
  people.leave('den', tab)
  await stateAll()
  vi.advanceTimersByTime(LEAVE_PAUSE - 1)
  await turn()
  expect(stated).toEqual([1])
  vi.advanceTimersByTime(1)
  await turn()
  await stateAll()
  vi.advanceTimersByTime(LEAVE_PAUSE)
  await turn()
  expect(stated).toEqual([1, 0])
})

test('whoever wants to see who is there waits for two statements at most, though others keep coming', async () => {
  people.enter('den', tab)
  await turn()
  let snapshot: PresenceSnapshot | undefined
  void people.addViewer(new Subscription(roomChannel('den'), tab, {} as never, report)).then((seen) => {
    snapshot = seen
  })
  for (let statements = 0; statements < 2; statements++) {
    expect(snapshot).toBeUndefined()
    const other = new Recorder()
    other.user = `user-${statements}`
    people.enter('den', other)
    await stateAll()
  }
  expect(snapshot).toEqual({ users: ['ada'], count: 1 })
})
