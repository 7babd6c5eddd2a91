import { randomBytes } from 'node:crypto'
import type { ServiceError } from '../../core/model/errors.ts'
import { canaryChannel, createCanary } from '../canary.ts'
import type { RedisBroker } from './broker.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import { createLanes } from './links/slots.ts'
import type { RedisRegistry } from './registry.ts'

/** The number of silent canaries in a row after which a listening connection is replaced. */
const SILENT_CANARIES = 2

/**
 * Creates the probe of the engine. It proves for every master that it takes writes, and that a publication comes back on the topic. A
 * listening connection that stays silent twice is replaced: it may be dead without an error. If a store has lost data, or another run of it
 * has begun, listeners of `onRestored` are called as if topics had been cut off.
 */
export function createProbe(
  broker: RedisBroker,
  registry: RedisRegistry,
  connection: CommandConnection,
  keys: Keys,
): () => Promise<void> {
  const nameOf = (lane: number): string => `${registry.process} ${lane}`
  const lanes = createLanes(connection.client, (lane) => keys.topic(canaryChannel(nameOf(lane))))
  const probes = new Map<number, () => Promise<void>>()

  const probeOf = (lane: number): (() => Promise<void>) => {
    const channel = canaryChannel(nameOf(lane))
    const canary = createCanary(broker, nameOf(lane), 'Redis')
    const marker = createMarker(connection, keys.marker(channel))
    let silent = 0
    return async () => {
      if (!(await marker())) broker.restored()
      try {
        await canary()
        silent = 0
      } catch (error) {
        if ((error as ServiceError).code === 'engine_timeout' && ++silent >= SILENT_CANARIES) {
          silent = 0
          broker.replaceSubscription(channel)
        }
        throw error
      }
    }
  }

  return async () => {
    const [changed] = await Promise.all([connection.refreshRunId(), registry.beat()])
    if (changed) broker.restored()
    const results = await Promise.allSettled(
      lanes().map((lane) => {
        const probe = probes.get(lane) ?? probeOf(lane)
        probes.set(lane, probe)
        return probe()
      }),
    )
    const failed = results.find(({ status }) => status === 'rejected')
    if (failed === undefined) return
    connection.refreshSlots()
    throw (failed as PromiseRejectedResult).reason
  }
}

/** The time after which a marker that is not renewed is forgotten, in seconds. */
const KEPT = 60

/**
 * Creates a function that resolves to false if a store has lost data: it leaves a mark there, and looks for the one before. That is missing
 * after a wipe, and on a replica that took over without having received it.
 */
function createMarker(connection: CommandConnection, key: string): () => Promise<boolean> {
  /** The marks that may be there, oldest first; more than one while it is not known whether the last ones were written. */
  const expected: (string | null)[] = []
  return async () => {
    const mark = randomBytes(6).toString('base64url')
    const before = [...expected]
    const found = await connection.run(() => {
      expected.push(mark)
      return connection.client.set(key, mark, 'EX', KEPT, 'GET')
    })
    expected.splice(0, expected.indexOf(mark))
    return before.length === 0 || before.includes(found)
  }
}
