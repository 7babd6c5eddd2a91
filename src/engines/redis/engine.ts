import type { Engine, EngineOptions } from '../../core/engine/engine.ts'
import { userChannel } from '../../core/model/channel.ts'
import { RedisBroker } from './broker.ts'
import { createSum, RedisConnections } from './connections.ts'
import { startExpiry } from './expiry.ts'
import { RedisInbox } from './inbox.ts'
import { Keys } from './keys.ts'
import type { ClientOptions } from './links/clients.ts'
import { CommandConnection } from './links/command-connection.ts'
import { GRACE } from './links/deadline.ts'
import { ANSWERED } from './links/replicas.ts'
import { LogReader } from './log-reader.ts'
import { RedisMemberships } from './memberships.ts'
import { RedisPresence } from './presence.ts'
import { createProbe } from './probe.ts'
import { RedisRegistry } from './registry.ts'
import { RedisSchedule } from './schedule.ts'
import { withScripts } from './scripts/scripts.ts'
import { Store } from './store.ts'
import { RedisWebhookQueue } from './webhook-queue.ts'

/** The options of the engine on Redis. */
export interface RedisEngineOptions extends EngineOptions, ClientOptions {
  /** The beginning of every key and Pub/Sub channel. */
  prefix: string
  /** The number of replicas that must have a publish before it resolves. */
  replicas: number
}

/** Creates the engine on Redis 7 or newer. It does not wait for Redis: until that is there, calls reject with `engine_unavailable`. */
export function createRedisEngine(options: RedisEngineOptions): Engine {
  const connection = new CommandConnection(options, options.report)
  const scripts = withScripts(connection.client)
  const keys = new Keys(options.prefix, connection.database, connection.isCluster)
  const registry = new RedisRegistry(connection, scripts, keys)
  const sum = createSum(connection, keys, registry)
  const store = new Store(connection, scripts, keys, options.retention)
  const inbox = new RedisInbox(connection, scripts, keys, store)
  const log = new LogReader(connection, scripts, keys, store)
  const broker = new RedisBroker(connection, keys, store, log, options, sum)
  const connections = new RedisConnections(connection, scripts, keys, {
    process: registry.process,
    store,
    sum,
  })
  const presence = new RedisPresence(connection, scripts, keys, registry)
  broker.onRestored(() => presence.stateAgain())
  const stopExpiry = startExpiry(connection, scripts, keys, store, options.report)
  let closing: Promise<void> | undefined
  return {
    name: 'redis',
    broker,
    inbox,
    schedule: new RedisSchedule(connection, scripts, keys),
    webhookQueue: new RedisWebhookQueue(connection, scripts, keys),
    connections,
    arrivals: connections,
    presence,
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
      presence.close()
      connections.close()
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
