import { createRedisEngine } from '../../../src/engines/redis/engine.ts'
import { engineContract, PATIENT, type Store } from '../../contract/engine-contract.ts'
import { startRedisSentinel } from '../../support/programs/redis-sentinel.ts'

async function makeStore(): Promise<Store> {
  const redis = await startRedisSentinel({ password: 'a:b@c/d?#% e' })
  return {
    async open(options) {
      const engine = createRedisEngine({
        ...options,
        url: redis.url,
        prefix: 'tabcast',
        commandTimeout: PATIENT,
        replicas: 0,
      })
      engine.registry.enter({ role: 'all', url: 'http://127.0.0.1' })
      await engine.probe()
      return engine
    },
    async wipe(engine) {
      await (await redis.master()).cli('flushall')
      return engine
    },
    stop: () => redis.stop(),
  }
}

engineContract('Redis behind Sentinels', makeStore, { shared: true, restart: false, short: true })
