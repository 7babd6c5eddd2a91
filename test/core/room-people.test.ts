import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { roomChannel } from '../../src/core/channel.ts'
import { Member } from '../../src/core/member.ts'
import { LEAVE_PAUSE, RoomPeople } from '../../src/core/room-people.ts'
import type { Sight } from '../../src/core/room-view.ts'
import { Recorder } from '../support/recorder.ts'

/** What was stated of Ada, and what ends the statement under way. */
let stated: number[]
let done: () => void
let people: RoomPeople
let tab: Recorder
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  stated = []
  tab = new Recorder()
  tab.user = 'ada'
  // Stands for an engine that takes its time.
  people = new RoomPeople({
    broker: { onRestored: () => undefined, subscribe: async () => undefined, unsubscribe: () => undefined },
    roster: {
      list: async () => ({ users: [{ user: 'ada' }], count: 1 }),
      state: (_: string, all: Map<string, number>) => {
        stated.push(all.get('ada')!)
        return new Promise<void>((resolve) => {
          done = resolve
        })
      },
    },
  } as never)
})
afterEach(() => {
  people.stop()
  vi.useRealTimers()
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
/** Ends the statement under way, and lets the next one begin. */
const settle = async (): Promise<void> => {
  done()
  for (let turns = 0; turns < 3; turns++) await turn()
}

test('one who comes back has never been away, however slowly that is stated', async () => {
  people.enter('den', tab)
  await turn()
  people.leave('den', tab)
  people.enter('den', tab)
  people.leave('den', tab)
  for (let statements = 0; statements < 2; statements++) await settle()
  people.enter('den', tab)
  await turn()
  await settle()
  vi.advanceTimersByTime(2 * LEAVE_PAUSE)
  await turn()
  await settle()
  expect(stated).not.toContain(0)
  expect(stated.at(-1)).toBe(1)
})

test('one who left is told to be away after a pause, once', async () => {
  people.enter('den', tab)
  await turn()
  people.leave('den', tab)
  await settle()
  vi.advanceTimersByTime(LEAVE_PAUSE - 1)
  await turn()
  expect(stated).toEqual([1])
  vi.advanceTimersByTime(1)
  await turn()
  await settle()
  vi.advanceTimersByTime(LEAVE_PAUSE)
  await turn()
  expect(stated).toEqual([1, 0])
})

test('whoever wants to see who is there waits for two statements at most, though others keep coming', async () => {
  people.enter('den', tab)
  await turn()
  let sight: Sight | undefined
  void people.watch(new Member(roomChannel('den'), tab, {} as never)).then((seen) => {
    sight = seen
  })
  for (let statements = 0; statements < 2; statements++) {
    expect(sight).toBeUndefined()
    const other = new Recorder()
    other.user = `user-${statements}`
    people.enter('den', other)
    await settle()
  }
  expect(sight).toEqual({ users: ['ada'], count: 1 })
})
