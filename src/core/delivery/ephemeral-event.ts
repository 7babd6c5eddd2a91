/** Ephemeral events: for the tabs that are here now, neither stored nor numbered, so that none gets them later. */
import { type Channel, userChannel } from '../model/channel.ts'
import { SERVER_EVENT_NAMES } from '../model/events.ts'
import type { Publication } from '../model/publication.ts'

/** The tabs that hear a channel, or one connection by its id. */
export type Address = Channel | `connection:${string}`

/** The tabs that an event is for. */
export interface Audience {
  /** Each tab once, however many of these lead to it; undefined: every tab that hears any channel. */
  to: readonly Address[] | undefined
  /** The addresses that are left out. */
  except?: readonly Address[]
}

/** Names that Socket.IO's own clients refuse or take for something else, and those by which a page of Tabcast knows where it stands. */
const OWN_EVENTS: ReadonlySet<string> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
  // Pages from before Tabcast listen to these two: one of today tells its own by their ids.
  ...SERVER_EVENT_NAMES.filter((name) => name !== 'notification' && name !== 'message'),
])

/** The most characters that the name of an event may have. */
export const MAX_EVENT_LENGTH = 200

/** The fault in the name of an event that somebody else chose; undefined if there is none. */
export function faultOfEvent(event: unknown): string | undefined {
  if (typeof event !== 'string' || event === '') return 'must be a string that is not empty'
  if (event.length > MAX_EVENT_LENGTH) return `must have at most ${MAX_EVENT_LENGTH} characters`
  return OWN_EVENTS.has(event) ? `must not be ${event}, which has a meaning of its own` : undefined
}

/** The most bytes that the JSON of an ephemeral event may have. */
export const MAX_EPHEMERAL_BYTES = 65_536

/** An event with its arguments. Throws a `RangeError` if its JSON would be too large. */
export function ephemeralEvent(event: string, args: readonly unknown[]): Publication {
  const packet = Buffer.from(JSON.stringify([event, ...args]))
  if (packet.length > MAX_EPHEMERAL_BYTES)
    throw new RangeError(`the event has ${packet.length} bytes as JSON, more than ${MAX_EPHEMERAL_BYTES}`)
  return {
    channel: NOWHERE,
    seq: 0,
    epoch: '',
    id: '',
    event: 'message',
    createdAt: 0,
    expiresAt: 0,
    except: '',
    packet,
  }
}

/** It belongs to no log. No user can have this id: it has a control character. */
const NOWHERE = userChannel('\u0000carried')
