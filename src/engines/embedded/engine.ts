import type { Engine, EngineOptions } from '../../core/engine/engine.ts'
import type { Peer } from '../../core/engine/registry.ts'
import { isTemporary } from '../../core/lifecycle/faults.ts'
import type { Channel } from '../../core/model/channel.ts'
import { EmbeddedBroker } from './broker.ts'
import { EmbeddedConnections } from './connections.ts'
import { EmbeddedInbox } from './inbox.ts'
import { EmbeddedMemberships } from './memberships.ts'
import { EmbeddedPresence } from './presence.ts'
import { createProbe } from './probe.ts'
import { EmbeddedRevocations } from './revocations.ts'
import { EmbeddedSchedule } from './schedule.ts'
import { type Durability, IN_MEMORY, openDatabase } from './tables/database.ts'
import { Idempotency } from './tables/idempotency.ts'
import { Items } from './tables/items.ts'
import { Log } from './tables/log.ts'
import { Reader } from './tables/reader.ts'
import { Sweep } from './tables/sweep.ts'
import { Transactions } from './tables/transactions.ts'
import { Topics } from './topics.ts'
import { EmbeddedWebhookQueue } from './webhook-queue.ts'

/** The options of the embedded engine. */
export interface EmbeddedEngineOptions extends EngineOptions {
  /** The SQLite file, which is created if it is not there, with its directory; or `:memory:`. */
  path: string
  durability: Durability
}

/** Milliseconds between two sweeps. */
const SWEEP_INTERVAL = 1000

/** The longest time of a publish, in milliseconds: many times what all that may wait take together. */
const PATIENCE = 1000

/**
 * Creates the engine on the SQLite that is built into Node, in this process. Rejects if the file cannot be opened, or another process has it
 * open, with an error that says what to do.
 */
export async function createEmbeddedEngine(options: EmbeddedEngineOptions): Promise<Engine> {
  const { path, durability, retention, report } = options
  const database = openDatabase(path, durability)
  const log = new Log(database, retention)
  const transactions = new Transactions(database, log, report)
  const reader = new Reader(database, log)
  const idempotency = new Idempotency(database)
  const connections = new EmbeddedConnections(transactions, log)
  const connectionsOf = (channel: Channel): number => connections.connectionsOf(channel)
  const topics = new Topics(report)
  const inbox = new EmbeddedInbox({ transactions, log, items: new Items(database, log), topics })
  const broker = new EmbeddedBroker({ transactions, log, reader, idempotency, inbox, topics, connectionsOf })
  const sweep = new Sweep(database, log, reader, idempotency, connectionsOf)
  let sweeping = false
  const sweepAll = async (): Promise<void> => {
    if (sweeping) return
    sweeping = true
    try {
      // Each in a turn of its own, so that others are served in between.
      while (await transactions.write(() => sweep.run()));
    } finally {
      sweeping = false
    }
  }
  const timer = setInterval(() => {
    Promise.all([inbox.expire(), sweepAll()]).catch((error: unknown) => {
      // A database that cannot work now is noticed by the probe; and the engine may have been closed in the middle of it.
      if (!isTemporary(error)) report(error)
    })
  }, SWEEP_INTERVAL).unref()
  let self: Peer = { role: 'unknown', url: '' }

  return {
    name: 'embedded',
    broker,
    inbox,
    schedule: new EmbeddedSchedule(database, transactions, idempotency),
    webhookQueue: new EmbeddedWebhookQueue(database, transactions),
    connections,
    presence: new EmbeddedPresence(transactions, topics),
    memberships: new EmbeddedMemberships(database, { transactions, log, topics }),
    revocations: new EmbeddedRevocations(database, transactions),
    registry: {
      enter(peer) {
        self = peer
      },
      peers: () => transactions.read(() => [self]),
    },
    patience: PATIENCE,
    probe: await createProbe(database, transactions, broker, path),
    describe: () => transactions.read(() => [describe(path, durability)]),
    async close() {
      clearInterval(timer)
      transactions.close()
    },
  }
}

function describe(path: string, durability: Durability): string {
  if (path === IN_MEMORY)
    return 'WARNING: notifications are stored in memory only: they end with the process.'
  const promise =
    durability === 'power'
      ? 'what was acknowledged survives a killed process and a power cut'
      : 'what was acknowledged survives a killed process; a power cut can take the last moments'
  return `Notifications are stored in the SQLite file ${path}: ${promise}.`
}
