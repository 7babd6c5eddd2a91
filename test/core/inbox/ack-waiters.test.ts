import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { AckWaiters } from '../../../src/core/inbox/ack-waiters.ts'
import { Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { processChannel } from '../../../src/core/model/channel.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { openMemory, openRedis } from '../../support/engines.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

const RETENTION = { count: 100, seconds: 3600 }

let redis: RedisServer | undefined
let engines: Engine[]
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
  await redis?.stop()
  redis = undefined
})

test.each(['embedded', 'redis'])(
  'on %s a wait ends with the first acknowledgement, also in another process, and else when its time is over',
  async (name) => {
    if (name === 'redis') {
      redis = await startRedis()
      engines = await Promise.all([openRedis(redis.url), openRedis(redis.url)])
    } else engines = [await openMemory(RETENTION)]
    const [api, worker] = [engines[0]!, engines.at(-1)!]
    const ackWaiters = new AckWaiters(api.broker, new Inboxes(api))
    const publisher = new Publisher(api)
    const notify = () =>
      publisher.notify('ada', { title: 'A' }, { credential: 'test', waiter: ackWaiters.name })
    await ackWaiters.listen()

    const first = await notify()
    const began = performance.now()
    const waits = [ackWaiters.wait('ada', first.id, 20), ackWaiters.wait('ada', first.id, 20)]
    await new Inboxes(worker).acknowledge('ada', first.seq)
    expect(await Promise.all(waits)).toEqual([true, true])
    expect(performance.now() - began).toBeLessThan(5000)
    // Known already.
    expect(await ackWaiters.wait('ada', first.id, 20)).toBe(true)

    const second = await notify()
    expect(await ackWaiters.wait('ada', second.id, 0.1)).toBe(false)
    const third = ackWaiters.wait('ada', second.id, 20)
    setImmediate(() => ackWaiters.close())
    expect(await third).toBe(false)
  },
)

test('a wait goes on when it is woken for the version before, until its own is acknowledged', async () => {
  engines = [await openMemory(RETENTION)]
  const [engine] = engines as [Engine]
  const inboxes = new Inboxes(engine)
  const ackWaiters = new AckWaiters(engine.broker, inboxes)
  const publisher = new Publisher(engine)
  const put = () =>
    publisher.notify('ada', { title: 'A', tag: 't' }, { credential: 'test', waiter: ackWaiters.name })
  await ackWaiters.listen()
  // Stands for a wake-up that is under way for a while.
  const { publish } = engine.broker
  const wakeUps: (() => void)[] = []
  engine.broker.publish = async (draft) => {
    if (draft.channel === processChannel(ackWaiters.name))
      await new Promise<void>((resolve) => wakeUps.push(resolve))
    return publish.call(engine.broker, draft)
  }
  const first = await put()
  const acknowledged = inboxes.acknowledge('ada', first.seq)
  await until(async () => wakeUps.length === 1, 5000)
  const second = await put()
  expect(second.id).toBe(first.id)
  const answers: boolean[] = []
  const waits = [1, 2].map(() => ackWaiters.wait('ada', first.id, 20).then((answer) => answers.push(answer)))
  wakeUps[0]!()
  await acknowledged
  await expect(ackWaiters.wait('ada', first.id, 0.2)).resolves.toBe(false)
  expect(answers).toEqual([])
  const again = inboxes.acknowledge('ada', second.seq)
  await until(async () => wakeUps.length === 2, 5000)
  wakeUps[1]!()
  await Promise.all([again, ...waits])
  expect(answers).toEqual([true, true])
})

beforeEach(() => {
  engines = []
})
