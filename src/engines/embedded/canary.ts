import { randomUUIDv7 } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { userChannel } from '../../core/channel.ts'
import type { Broker } from '../../core/engine.ts'
import { ServiceError } from '../../core/errors.ts'
import type { Draft, Publication } from '../../core/publication.ts'
import { IN_MEMORY } from './database.ts'
import type { Transactions } from './transactions.ts'

/** How long the canary may take, in milliseconds. */
const PATIENCE = 1000

/** No user can have this id: it has a control character. */
const CHANNEL = userChannel('\u0000canary')

/**
 * Makes the probe of an engine: the file is still the one that was opened, the database takes writes, and a publication that goes
 * the way of every other comes back through a subscription.
 */
export async function createCanary(
  database: DatabaseSync,
  transactions: Transactions,
  broker: Broker,
  path: string,
): Promise<() => Promise<void>> {
  const write = database.prepare('INSERT OR REPLACE INTO canary (id, at) VALUES (1, ?)')
  const opened = await inodeOf(path)
  const waiting = new Map<string, () => void>()
  await broker.subscribe(CHANNEL, ({ id }: Publication) => waiting.get(id)?.())

  return async () => {
    transactions.assertOpen()
    if ((await inodeOf(path)) !== opened)
      throw new ServiceError('engine_unavailable', `${path} has been removed or replaced under the process`)
    const id = randomUUIDv7()
    const { promise: heard, resolve, reject } = Promise.withResolvers<void>()
    waiting.set(id, resolve)
    const timer = setTimeout(
      () => reject(new ServiceError('engine_timeout', 'a canary through the database did not come back')),
      PATIENCE,
    )
    try {
      await Promise.all([
        heard,
        broker.publish(draft(id)),
        transactions.write(() => void write.run(Date.now())),
      ])
    } finally {
      clearTimeout(timer)
      waiting.delete(id)
    }
  }
}

/** Which file a path leads to. It is not opened for that: closing it again would end the lock of the process. */
async function inodeOf(path: string): Promise<number | undefined> {
  if (path === IN_MEMORY) return undefined
  try {
    return (await stat(path)).ino
  } catch (error) {
    throw new ServiceError('engine_unavailable', `${path} can not be seen any more`, { cause: error })
  }
}

const draft = (id: string): Draft => ({
  channel: CHANNEL,
  id,
  event: 'control',
  head: '["control",{"action":"canary"',
  tail: '}]',
  stored: false,
  createdAt: Date.now(),
  expiresAt: 0,
})
