import { afterEach, beforeEach, expect, test } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { ArrivingUser } from '../../../src/core/engine/arrivals.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { ServiceError } from '../../../src/core/model/errors.ts'
import { openMemory, report } from '../../support/engines.ts'
import { Recorder } from '../../support/recorder.ts'

/** What the engine was asked, in order: a user's topic that is heard, or the users of one call. */
let asked: (string | string[])[]
let memory: Engine
let hub: Hub
let fails = false

beforeEach(async () => {
  asked = []
  memory = await openMemory({ count: 100, seconds: 3600 })
  const { broker, arrivals } = memory
  const engine: Engine = {
    ...memory,
    broker: {
      publish: (draft) => broker.publish(draft),
      publishAll: (drafts) => broker.publishAll(drafts),
      since: (...args) => broker.since(...args),
      latest: (...args) => broker.latest(...args),
      onRestored: (listener) => broker.onRestored(listener),
      unsubscribe: (...args) => broker.unsubscribe(...args),
      async subscribe(channel, handler) {
        await broker.subscribe(channel, handler)
        asked.push(channel)
      },
    },
    arrivals: {
      async enter(users: readonly ArrivingUser[]) {
        asked.push(users.map(({ user, connections }) => `${user} ${connections}`))
        const results = await arrivals.enter(users)
        const failure = { status: 'rejected', reason: new ServiceError('engine_timeout', 'away') } as const
        return results.map((result, index) => (fails && index === 0 ? failure : result))
      },
    },
  }
  hub = new Hub(engine, report)
})
afterEach(async () => {
  fails = false
  hub.stop()
  await memory.close()
})

const arrive = (user: string) => {
  const tab = new Recorder()
  hub.open(tab)
  return { tab, arrived: hub.arrive(tab, user) }
}

test('all who come in one turn share one call, when each hears its log; several tabs of a user are stated together', async () => {
  await Promise.all(['ada', 'bob', 'ada'].map((user) => arrive(user).arrived))
  expect(asked.slice(0, 3)).toEqual(['user:ada', 'user:bob', ['ada 2', 'bob 1']])
  // The second tab of a user is not answered with what was read for the first.
  expect(asked.slice(3)).toEqual([['ada 2']])
})

test('no call has more than 64 users', async () => {
  await Promise.all(Array.from({ length: 150 }, (_, index) => arrive(`u${index}`).arrived))
  expect(asked.filter((one) => Array.isArray(one)).map(({ length }) => length)).toEqual([64, 64, 22])
})

test('a failure of one user is not that of the others', async () => {
  fails = true
  const [ada, bob] = await Promise.allSettled(['ada', 'bob'].map((user) => arrive(user).arrived))
  expect(ada).toMatchObject({ status: 'rejected', reason: { code: 'engine_timeout' } })
  expect(bob).toMatchObject({ status: 'fulfilled', value: { arrival: { revokedUntil: 0 } } })
})

test('nothing is asked for one who has gone by the time of the call', async () => {
  const { tab, arrived } = arrive('ada')
  hub.close(tab)
  const { subscription, arrival } = await arrived
  expect(subscription.hasLeft).toBe(true)
  expect(arrival).toBeUndefined()
  expect(asked).toEqual(['user:ada'])
})
