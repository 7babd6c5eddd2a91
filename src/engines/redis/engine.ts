import { userChannel } from '../../core/channel.ts'
import type { Engine, EngineOptions } from '../../core/engine.ts'
import { RedisBroker } from './broker.ts'
import type { ClientOptions } from './clients.ts'
import { RedisConnection } from './connection.ts'
import { GRACE } from './deadline.ts'
import { startExpiry } from './expiry.ts'
import { RedisInbox } from './inbox.ts'
import { Keys } from './keys.ts'
import { LogReader } from './log-reader.ts'
import { RedisMemberships } from './memberships.ts'
import { createSum, RedisPresence } from './presence.ts'
import { createProbe } from './probe.ts'
import { RedisRegistry } from './registry.ts'
import { ANSWERED } from './replicas.ts'
import { RedisRoster } from './roster.ts'
import { RedisSchedule } from './schedule.ts'
import { withScripts } from './scripts.ts'
import { Store } from './store.ts'
import { RedisWatches } from './watches.ts'

export interface RedisEngineOptions extends EngineOptions, ClientOptions {
  /** In front of every key and Pub/Sub channel. */
  prefix: string
  /** How many replicas must have a publish before it is answered. */
  replicas: number
}

/**
 * The engine on Redis 7+. It starts at once, whether Redis is there or not: until it is, calls reject with `engine_unavailable`.
 */
export function createRedisEngine(options: RedisEngineOptions): Engine {
  const connection = new RedisConnection(options)
  const scripts = withScripts(connection.client)
  const keys = new Keys(options.prefix, connection.database)
  const registry = new RedisRegistry(connection, scripts, keys)
  const sum = createSum(connection, keys, registry)
  const store = new Store(connection, scripts, keys, options.retention)
  const inbox = new RedisInbox(connection, scripts, keys, options.retention)
  const log = new LogReader(connection, scripts, keys, store)
  const broker = new RedisBroker(connection, keys, store, log, options, sum)
  const presence = new RedisPresence(connection, scripts, keys, {
    process: registry.process,
    retention: options.retention,
    sum,
  })
  const roster = new RedisRoster(connection, scripts, keys, registry)
  broker.onRestored(() => roster.stateAgain())
  const stopExpiry = startExpiry(connection, scripts, keys, options)
  let closing: Promise<void> | undefined
  return {
    name: 'redis',
    broker,
    inbox,
    schedule: new RedisSchedule(connection, scripts, keys),
    watches: new RedisWatches(connection, scripts, keys),
    presence,
    roster,
    memberships: new RedisMemberships(connection, scripts, keys, store),
    registry,
    patience: options.replicas > 0 ? ANSWERED : options.commandTimeout + GRACE,
    revocations: {
      async revoke(user, issuedAt) {
        await connection.run(() => scripts.revoke(keys.revoked(userChannel(user)), issuedAt))
      },
      async revokedUntil(user) {
        return Number(await connection.run(() => connection.client.get(keys.revoked(userChannel(user)))))
      },
    },
    probe: createProbe(broker, registry, connection, keys),
    describe: () =>
      connection
        .run(() => Promise.all([connection.client.info('persistence'), connection.client.info('memory')]))
        .then(([persistence, memory]) => describeStore(persistence + memory)),
    close() {
      stopExpiry()
      roster.close()
      presence.close()
      closing ??= registry.close().finally(() => {
        broker.close()
        return connection.close()
      })
      return closing
    },
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
