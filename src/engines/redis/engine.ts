import { userChannel } from '../../core/channel.ts'
import type { Engine, EngineOptions } from '../../core/engine.ts'
import type { ServiceError } from '../../core/errors.ts'
import { createCanary } from '../canary.ts'
import { RedisBroker } from './broker.ts'
import { RedisConnection, type RedisConnectionOptions } from './connection.ts'
import { Keys } from './keys.ts'
import { RedisPresence } from './presence.ts'
import { RedisRegistry } from './registry.ts'
import { withScripts } from './scripts.ts'

export interface RedisEngineOptions extends EngineOptions, RedisConnectionOptions {
  /** In front of every key and Pub/Sub channel. */
  prefix: string
}

/** After so many silent canaries the subscribing connections are replaced. */
const SILENT_CANARIES = 2

/**
 * The engine on Redis 7+. It starts at once, whether Redis is there or not: until it is, calls reject with `engine_unavailable`.
 */
export function createRedisEngine(options: RedisEngineOptions): Engine {
  const connection = new RedisConnection(options)
  const scripts = withScripts(connection.client)
  const keys = new Keys(options.prefix, connection.database)
  const registry = new RedisRegistry(connection, scripts, keys)
  const sum = (flat: readonly (Buffer | string)[]): number => {
    let connections = 0
    for (let index = 0; index < flat.length; index += 2)
      if (registry.isAlive(flat[index]!.toString())) connections += Number(flat[index + 1])
    return connections
  }
  const broker = new RedisBroker(connection, scripts, keys, options, sum)
  const presence = new RedisPresence(connection, scripts, keys, {
    process: registry.process,
    retention: options.retention,
    sum,
  })
  let closing: Promise<void> | undefined
  return {
    name: 'redis',
    broker,
    presence,
    registry,
    revocations: {
      async revoke(user, issuedAt) {
        await connection.run(() => scripts.revoke(keys.revoked(userChannel(user)), issuedAt))
      },
      async revokedUntil(user) {
        return Number(await connection.run(() => connection.client.get(keys.revoked(userChannel(user)))))
      },
    },
    probe: createProbe(broker, registry, connection),
    describe: () =>
      connection
        .run(() => Promise.all([connection.client.info('persistence'), connection.client.info('memory')]))
        .then(([persistence, memory]) => describeStore(persistence + memory)),
    close() {
      closing ??= registry.close().finally(() => {
        broker.close()
        return connection.close()
      })
      return closing
    },
  }
}

/**
 * Proves the path from a script through Redis to our own subscription, and that Redis takes writes. A subscription that stays
 * silent twice is replaced: its connection may be dead without anybody having said so.
 */
function createProbe(
  broker: RedisBroker,
  registry: RedisRegistry,
  connection: RedisConnection,
): () => Promise<void> {
  const canary = createCanary(broker, registry.process, 'Redis')
  let silent = 0
  return async () => {
    await Promise.all([registry.beat(), connection.refreshLife()])
    try {
      await canary()
      silent = 0
    } catch (error) {
      if ((error as ServiceError).code === 'engine_timeout' && ++silent >= SILENT_CANARIES) {
        silent = 0
        broker.replaceSubscriptions()
      }
      throw error
    }
  }
}

function describeStore(info: string): string[] {
  const evicts = !/maxmemory:0\r/.test(info) && !/maxmemory_policy:noeviction/.test(info)
  return [
    /aof_enabled:1/.test(info)
      ? 'Redis keeps an append-only file: what was acknowledged survives its restart as far as its appendfsync policy says.'
      : 'WARNING: Redis keeps no append-only file: if it dies, acknowledged notifications are lost. Turn it on with "appendonly yes".',
    ...(evicts
      ? [
          'WARNING: Redis drops keys when its memory is full, notifications among them. Set "maxmemory-policy noeviction".',
        ]
      : []),
  ]
}
