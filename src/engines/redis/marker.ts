import { randomBytes } from 'node:crypto'
import type { CommandConnection } from './links/command-connection.ts'

/** A marker that is not renewed for so long is forgotten, in seconds. */
const KEPT = 60

/**
 * Tells whether a store has forgotten something: leaves a mark there, and looks whether the one before is still in its place. It is not
 * after a wipe, nor on a replica that took over without having received it.
 *
 * The function answers whether the store is still the one that it was.
 */
export function createMarker(connection: CommandConnection, key: string): () => Promise<boolean> {
  /** What may be there, oldest first; more than one while it is not known whether the last marks were made. */
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
