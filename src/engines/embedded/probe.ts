import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import type { Broker } from '../../core/engine/broker.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { createCanary } from '../canary.ts'
import { IN_MEMORY } from './file/database.ts'
import type { Transactions } from './tables/transactions.ts'

/**
 * Creates the probe of the engine. It checks that the file is still the one that was opened, that the database takes writes, and that a
 * publication comes back to a subscriber. `path`: that of the file.
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

/** The inode of the file at a path. The file is not opened for that: closing it again would end the lock of the process. */
async function inodeOf(path: string): Promise<number | undefined> {
  if (path === IN_MEMORY) return undefined
  try {
    return (await stat(path)).ino
  } catch (error) {
    throw new ServiceError('engine_unavailable', `${path} cannot be read any more`, { cause: error })
  }
}
