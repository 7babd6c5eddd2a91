import { afterEach, beforeEach, expect, test } from 'vitest'
import { Deliveries } from '../../src/core/deliveries.ts'
import type { Engine } from '../../src/core/engine.ts'
import { Inboxes } from '../../src/core/inboxes.ts'
import { Publisher } from '../../src/core/publisher.ts'
import { createEmbeddedEngine } from '../../src/engines/embedded/engine.ts'
import { createRedisEngine } from '../../src/engines/redis/engine.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const RETENTION = { count: 100, seconds: 3600 }
const OPTIONS = {
  retention: { user: RETENTION, room: RETENTION },
  report: (error: unknown) => {
    throw error
  },
}

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
      const { url } = redis
      const open = (): Engine =>
        createRedisEngine({ ...OPTIONS, url, prefix: 'tabcast', replicas: 0, commandTimeout: 1800 })
      engines = [open(), open()]
    } else engines = [await createEmbeddedEngine({ ...OPTIONS, path: ':memory:', durability: 'process' })]
    const [api, worker] = [engines[0]!, engines.at(-1)!]
    const deliveries = new Deliveries(api.broker, new Inboxes(api))
    const publisher = new Publisher(api)
    const notify = () =>
      publisher.notify('ada', { title: 'A' }, { credential: 'test', waiter: deliveries.name })
    await deliveries.listen()

    const first = await notify()
    const began = performance.now()
    const waits = [deliveries.wait('ada', first.id, 20), deliveries.wait('ada', first.id, 20)]
    await new Inboxes(worker).acknowledge('ada', first.seq)
    expect(await Promise.all(waits)).toEqual([true, true])
    expect(performance.now() - began).toBeLessThan(5000)
    // Known already.
    expect(await deliveries.wait('ada', first.id, 20)).toBe(true)

    const second = await notify()
    expect(await deliveries.wait('ada', second.id, 0.1)).toBe(false)
    const third = deliveries.wait('ada', second.id, 20)
    setImmediate(() => deliveries.close())
    expect(await third).toBe(false)
  },
)

beforeEach(() => {
  engines = []
})
