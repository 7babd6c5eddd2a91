import { matchesPattern } from '../core/claims.ts'
import type { TabConnection } from './tab-connection.ts'

/** What every connection may hear besides what its token says. */
export interface RoomPolicy {
  /** Patterns of rooms that everyone may subscribe. */
  publicRooms: readonly string[]
  /** Rooms that every connection joins by itself. */
  joinRooms: readonly string[]
}

/** Whether a connection may hear a room. What nothing grants is denied. */
export function mayHear(connection: TabConnection, room: string, policy: RoomPolicy): boolean {
  const { claims, roomTokens } = connection
  return (
    policy.joinRooms.includes(room) ||
    matchesPattern(policy.publicRooms, room) ||
    matchesPattern(claims?.rooms ?? [], room) ||
    (roomTokens.get(room) ?? 0) > Date.now() / 1000
  )
}
