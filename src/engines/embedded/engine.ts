import type { Engine, EngineOptions } from '../../core/engine/engine.ts'
import type { Peer } from '../../core/engine/registry.ts'
import { isTemporary } from '../../core/lifecycle/faults.ts'
import { EmbeddedBroker } from './broker.ts'
import { EmbeddedConnections } from './connections.ts'
import { Checkpoints } from './file/checkpoints.ts'
import { type Durability, explain, IN_MEMORY, type OpenDatabase, openDatabase } from './file/database.ts'
import { EmbeddedInbox } from './inbox.ts'
import { EmbeddedMemberships } from './memberships.ts'
import { EmbeddedPresence } from './presence.ts'
import { createProbe } from './probe.ts'
import { EmbeddedRevocations } from './revocations.ts'
import { EmbeddedSchedule } from './schedule.ts'
import { Idempotency } from './tables/idempotency.ts'
import { Ends } from './tables/inbox/ends.ts'
import { InboxQueries } from './tables/inbox/inbox-queries.ts'
import { Items } from './tables/inbox/items.ts'
import { States } from './tables/inbox/states.ts'
import { Log } from './tables/log.ts'
import { Reader } from './tables/reader.ts'
import { Rows } from './tables/rows.ts'
import { Seen } from './tables/seen.ts'
import { StoreIdentity } from './tables/store.ts'
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
  const file = openDatabase(options.path, options.durability)
  try {
    return await assemble(file, options)
  } catch (error) {
    file.close()
    throw explain(error as Error, options.path)
  }
}

async function assemble(file: OpenDatabase, options: EmbeddedEngineOptions): Promise<Engine> {
  const { path, durability, retention, report } = options
  const { database } = file
  const checkpoints = path === IN_MEMORY ? undefined : new Checkpoints(database, path, report)
  const rows = new Rows(database, retention)
  const log = new Log(database, rows)
  const transactions = new Transactions(database, log, report, checkpoints)
  const store = new StoreIdentity(database, retention)
  const reader = new Reader(database, rows, store)
  const idempotency = new Idempotency(database)
  const seen = new Seen(database, store)
  const states = new States(database)
  const ends = new Ends(database, rows)
  const items = new Items(database, { rows, states, ends })
  const queries = new InboxQueries(database, states, items)
  const topics = new Topics(report)
  const inbox = new EmbeddedInbox({ transactions, rows, log, items, queries, ends, reader, topics })
  const broker = new EmbeddedBroker({ transactions, rows, log, reader, idempotency, inbox, topics, seen })
  const sweep = new Sweep(database, { rows, reader, idempotency, seen, store })
  const timer = repeat([() => inbox.expire(), () => sweepAll(transactions, sweep)], report)
  const memberships = new EmbeddedMemberships(database, { transactions, log, topics })
  const revocations = new EmbeddedRevocations(database, transactions)
  const parts = { transactions, rows, reader, seen, memberships, revocations }
  const connections = new EmbeddedConnections(parts)
  let self: Peer = { role: 'unknown', url: '' }
  let closing: Promise<void> | undefined

  return {
    name: 'embedded',
    broker,
    inbox,
    schedule: new EmbeddedSchedule(database, transactions, idempotency),
    webhookQueue: new EmbeddedWebhookQueue(database, transactions),
    connections,
    arrivals: connections,
    presence: new EmbeddedPresence(transactions, topics),
    memberships,
    revocations,
    registry: {
      enter(peer) {
        self = peer
      },
      peers: () => transactions.read(() => [self]),
    },
    patience: PATIENCE,
    probe: await createProbe(database, transactions, broker, path),
    describe: () => transactions.read(() => [describe(path, durability)]),
    close() {
      closing ??= (async () => {
        clearInterval(timer)
        transactions.close()
        await checkpoints?.close()
        file.close()
      })()
      return closing
    },
  }
}

/** Runs each of these jobs again and again, unless it is still running. */
function repeat(jobs: readonly (() => Promise<void>)[], report: EngineOptions['report']): NodeJS.Timeout {
  const running = new Set<() => Promise<void>>()
  return setInterval(() => {
    for (const job of jobs) {
      if (running.has(job)) continue
      running.add(job)
      job()
        .catch((error: unknown) => {
          // A database that cannot work now is noticed by the probe; and the engine may have been closed in the middle of it.
          if (!isTemporary(error)) report(error)
        })
        .finally(() => running.delete(job))
    }
  }, SWEEP_INTERVAL).unref()
}

/** Sweeps until nothing is left, each time in a transaction of its own, so that others are served in between. */
async function sweepAll(transactions: Transactions, sweep: Sweep): Promise<void> {
  while (await transactions.write(() => sweep.run()));
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
