import { Redis } from 'ioredis'
import { createRedisEngine } from '../../../src/engines/redis/engine.ts'
import { engineContract, PATIENT, type Store } from '../../contract/engine-contract.ts'
import { type RedisServerOptions, startRedis, startRedisCluster } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

/** Engines that share a prefix on a server. */
function openerOn(url: string, prefix: string): Store['open'] {
  return async (options) => {
    const engine = createRedisEngine({ ...options, url, prefix, commandTimeout: PATIENT, replicas: 0 })
    engine.registry.enter({ role: 'all', url: 'http://127.0.0.1' })
    await engine.probe()
    return engine
  }
}

async function flush(url: string): Promise<void> {
  const client = new Redis(url)
  await client.flushall()
  client.disconnect()
}

async function makeServer(prefix: string, options: RedisServerOptions = {}): Promise<Store> {
  const server = await startRedis({ aof: true, ...options })
  return {
    open: openerOn(server.url, prefix),
    async restart(engine) {
      await server.kill()
      await server.restart()
      await until(() => engine.probe().then(() => true), 5000)
      return engine
    },
    async wipe(engine) {
      await flush(server.url)
      return engine
    },
    stop: () => server.stop(),
  }
}

async function makeCluster(): Promise<Store> {
  const cluster = await startRedisCluster()
  return {
    open: openerOn(cluster.url, 'tabcast'),
    async wipe(engine) {
      await Promise.all(cluster.nodes.map(({ url }) => flush(url)))
      return engine
    },
    stop: () => cluster.stop(),
  }
}

engineContract('Redis', () => makeServer('tabcast'), { shared: true, restart: true })
engineContract(
  'Redis with a prefix and a password',
  () => makeServer('a.b:c', { password: 'a:b@c/d?#% e' }),
  {
    shared: true,
    restart: true,
    short: true,
  },
)
engineContract('Redis Cluster of three', makeCluster, { shared: true, restart: false, short: true })
