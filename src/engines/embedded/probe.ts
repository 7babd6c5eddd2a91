import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import type { Broker } from '../../core/engine/broker.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { createCanary } from '../canary.ts'
import { IN_MEMORY } from './tables/database.ts'
import type { Transactions } from './tables/transactions.ts'

/**
 * Makes the probe of an engine: the file is still the one that was opened, the database takes writes, and a publication that goes
 * the way of every other comes back through a subscription.
 */
export async function createProbe(
  database: DatabaseSync,
  transactions: Transactions,
  broker: Broker,
  path: string,
): Promise<() => Promise<void>> {
  const write = database.prepare('INSERT OR REPLACE INTO canary (id, at) VALUES (1, ?)')
  const opened = await inodeOf(path)
  const canary = createCanary(broker, 'embedded', 'the database')

  return async () => {
    transactions.assertOpen()
    if ((await inodeOf(path)) !== opened)
      throw new ServiceError('engine_unavailable', `${path} has been removed or replaced under the process`)
    await Promise.all([canary(), transactions.write(() => void write.run(Date.now()))])
  }
}

/** Which file a path leads to. It is not opened for that: closing it again would end the lock of the process. */
async function inodeOf(path: string): Promise<number | undefined> {
  if (path === IN_MEMORY) return undefined
  try {
    return (await stat(path)).ino
  } catch (error) {
    throw new ServiceError('engine_unavailable', `${path} cannot be seen any more`, { cause: error })
  }
}
