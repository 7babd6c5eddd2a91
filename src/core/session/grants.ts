import { matchesPattern } from '../access/claims.ts'
import type { Hub } from '../delivery/hub.ts'
import { idOfChannel, isUserChannel } from '../model/channel.ts'
import type { UnsubscribedCode } from '../model/events.ts'
import type { TabSession } from './tab-session.ts'

/** The rooms that every connection may hear, whatever its token says. */
export interface RoomPolicy {
  /** Patterns of rooms that everyone may subscribe to. */
  publicRooms: readonly string[]
  /** Rooms that every connection joins by itself. */
  joinRooms: readonly string[]
}

/** True if a connection may hear a room. A room that nothing grants is denied. */
export function mayHear(tab: TabSession, room: string, policy: RoomPolicy): boolean {
  const { claims, memberships } = tab
  return (
    policy.joinRooms.includes(room) ||
    matchesPattern(policy.publicRooms, room) ||
    matchesPattern(claims?.rooms ?? [], room) ||
    tab.roomToken(room) !== undefined ||
    memberships.has(room)
  )
}

/** True if a connection may publish in a room. The right to hear it does not suffice. */
export function maySpeak(tab: TabSession, room: string): boolean {
  const { claims, memberships } = tab
  if (claims === undefined) return false
  return (
    matchesPattern(claims.publish, room) ||
    tab.roomToken(room)?.publish === true ||
    memberships.maySpeak(room)
  )
}

/** Takes a connection out of the rooms that nothing grants it any longer, and says so with `unsubscribed` and this code. */
export function leaveForbiddenRooms(
  tab: TabSession,
  hub: Hub,
  policy: RoomPolicy,
  code: UnsubscribedCode,
): void {
  for (const channel of hub.channelsOf(tab)) {
    if (isUserChannel(channel) || mayHear(tab, idOfChannel(channel), policy)) continue
    hub.leave(tab, channel)
    tab.sendUnsubscribed(channel, code)
  }
}
