/** The drafts of the server's own events, for tabs or for itself. */
import { randomUUIDv7 } from 'node:crypto'
import { type Channel, processChannel, userChannel } from '../model/channel.ts'
import type { Control } from '../model/control.ts'
import type { PresenceChange, ServerEvent } from '../model/events.ts'
import type { Draft, PublicationEvent } from '../model/publication.ts'

/** The channel, id and time of an event. */
type Stamp = Pick<Draft, 'channel' | 'id' | 'createdAt'>

const stampOf = (channel: Channel): Stamp => ({ channel, id: randomUUIDv7(), createdAt: Date.now() })

/** An event as JSON text, open behind these fields of its payload. */
const open = (event: ServerEvent | 'control', fields: object): string =>
  `["${event}",${JSON.stringify(fields).slice(0, -1)}`

const stored = (stamp: Stamp, event: PublicationEvent, head: string, tail = ''): Draft => ({
  ...stamp,
  event,
  head,
  tail,
  stored: true,
  expiresAt: 0,
})

const unstored = (stamp: Stamp, event: PublicationEvent, head: string): Draft => ({
  ...stored(stamp, event, head, '}]'),
  stored: false,
})

/** The draft of an order to every process that serves the user; no tab receives it. */
export function controlDraft(user: string, control: Control): Draft {
  const stamp = stampOf(userChannel(user))
  return stored(stamp, 'control', open('control', { id: stamp.id, ...control }), '}]')
}

/** The draft that notifications received a state or lost it, open for the counts. `fields`: those of `NotificationStatePayload`. */
export const stateDraft = (user: string, fields: object): Draft =>
  stored(stampOf(userChannel(user)), 'state', open('notification:state', fields))

/** The draft that these notifications are gone, open for the counts. */
export const removalDraft = (stamp: Stamp, ids: readonly string[]): Draft =>
  stored(stamp, 'removed', open('notification:removed', { ids }))

/** The draft of a removal whose notifications are not known yet: the store fills them in. */
export const openRemovalDraft = (user: string): Draft => stored(stampOf(userChannel(user)), 'removed', '')

/** The draft that a user came into a room or left it. */
export const presenceDraft = (channel: Channel, change: PresenceChange): Draft =>
  unstored(stampOf(channel), 'presence', open('presence', change))

/** The draft that wakes the calls in a process that wait for the notification `delivered`, which has been acknowledged. */
export function wakeDraft(process: string, delivered: string): Draft {
  const stamp = stampOf(processChannel(process))
  return unstored(stamp, 'control', open('control', { id: stamp.id, delivered }))
}

/** The draft of a canary: a publication that only has to come back. */
export const canaryDraft = (channel: Channel): Draft =>
  unstored(stampOf(channel), 'control', open('control', { action: 'canary' }))
