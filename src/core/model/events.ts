/**
 * Every event between a page and Tabcast, with its payload: the one spelling of their names. Parsers, emitters and tests use these maps,
 * whatever the transport. Times are RFC 3339 in UTC.
 */
import type { Counts } from './item.ts'
import type { Cursor, Gap, StreamPosition } from './position.ts'

/** A payload that the log has numbered. */
type Logged = StreamPosition

/** A notification as a page gets it: the fields that the backend gave, and these. Without a place in the log if it was not stored. */
export interface NotificationPayload extends Partial<Logged>, Partial<Counts> {
  id: string
  version: number
  type: string
  createdAt: string
  updatedAt: string
  expiresAt: string
  seenAt?: string | null
  readAt?: string | null
  archivedAt?: string | null
  /** Whether it may toast or sound. */
  alert: boolean
  [field: string]: unknown
}

/** Notifications got a state, or lost it: one of the three times is there. */
export interface NotificationStatePayload extends Logged, Counts {
  ids?: string[]
  all?: true
  /** With `all`: only those that were not touched after this time. */
  before?: string
  seenAt?: string | null
  readAt?: string | null
  archivedAt?: string | null
}

/** Notifications were withdrawn, or have expired. */
export interface NotificationRemovedPayload extends Logged, Counts {
  ids: string[]
}

/** A message in a room. Without id and place if it was not stored. */
export interface MessagePayload extends Partial<Logged> {
  id?: string
  room: string
  type: string
  /** The user who said it, if a page did. */
  from?: string
  body?: string
  data?: unknown
  createdAt: string
}

/** Everything up to here has been sent. */
export interface PositionPayload extends StreamPosition, Partial<Counts> {
  channel: string
}

/** A loss on a channel. */
export interface GapPayload extends Gap {
  channel: string
  epoch: string
}

/** Somebody came into a room or left it, and how many users are there now. */
export interface PresenceChange {
  room: string
  user: string
  action: 'join' | 'leave'
  count: number
}

/** The tab hears a room that it was granted, from here on. */
export interface SubscribedPayload extends StreamPosition {
  room: string
}

/** Why a tab does not hear a room, or no longer. */
export type UnsubscribedCode = 'room_forbidden' | 'token_expired'

/** The tab does not hear a room, or no longer. */
export interface UnsubscribedPayload {
  room: string
  code: UnsubscribedCode
}

/** Events from the server to a tab, by name. */
export interface ServerEvents {
  notification: NotificationPayload
  'notification:state': NotificationStatePayload
  'notification:removed': NotificationRemovedPayload
  message: MessagePayload
  position: PositionPayload
  gap: GapPayload
  presence: PresenceChange
  subscribed: SubscribedPayload
  unsubscribed: UnsubscribedPayload
  /** The server is draining: this connection will be closed. */
  'going-away': Record<never, never>
}

/** The name of an event from the server to a tab. */
export type ServerEvent = keyof ServerEvents

/** Where a tab stands on its user's log, and on rooms that it wants to go on with. */
export interface ConnectCursor extends Cursor {
  rooms?: Record<string, Cursor>
}

/** How a tab wants to enter a room. */
export interface SubscribeOptions {
  /** Go on after this place. */
  since?: Cursor
  /** The newest messages, so many at most. Either this or `since`. */
  last?: number
  /** A room token that grants the room. */
  token?: string
  /** Whether the tab wants to see who is in the room. */
  presence?: boolean
}

/** Events from a tab to the server, by name: the arguments, and what the acknowledgement says besides `ok`. */
export interface TabEvents {
  subscribe: {
    args: [room: string, options?: SubscribeOptions]
    answer: StreamPosition & { messages: MessagePayload[]; gap?: Gap; users?: string[]; count?: number }
  }
  unsubscribe: { args: [room: string]; answer: Record<never, never> }
  publish: {
    args: [
      room: string,
      message: Partial<Pick<MessagePayload, 'type' | 'body' | 'data'>>,
      options?: { idempotencyKey?: string },
    ]
    answer: StreamPosition & { id: string }
  }
  ack: { args: [seq: number]; answer: Record<never, never> }
  inbox: {
    args: [options?: InboxOptions]
    answer: Counts & StreamPosition & { items: NotificationPayload[]; nextCursor?: string }
  }
  mark: { args: [mark: MarkOptions]; answer: Counts }
  refresh: { args: [token: string]; answer: { expiresAt: string } }
}

/** The name of an event from a tab to the server. */
export type TabEvent = keyof TabEvents

/** Which notifications a tab wants to see, newest first. */
export interface InboxOptions {
  status?: 'active' | 'unread' | 'unseen' | 'read' | 'archived'
  category?: string
  type?: string
  tag?: string
  limit?: number
  /** The `nextCursor` of the page before. */
  cursor?: string
}

/** Which notifications get which state, or lose it: exactly one of the three. */
export interface MarkOptions {
  ids?: readonly string[]
  all?: true
  before?: string
  seen?: boolean
  read?: boolean
  archived?: boolean
}

/** An error as an acknowledgement tells it. */
export interface ErrorAnswer {
  ok: false
  /** `help`: where the error is explained, as a reference from the server's root. */
  error: { code: string; title: string; detail: string; temporary: boolean; help: string }
}

const SERVER_EVENTS: Record<ServerEvent, true> = {
  notification: true,
  'notification:state': true,
  'notification:removed': true,
  message: true,
  position: true,
  gap: true,
  presence: true,
  subscribed: true,
  unsubscribed: true,
  'going-away': true,
}

/** The names of all events from the server to a tab. */
export const SERVER_EVENT_NAMES = Object.keys(SERVER_EVENTS) as ServerEvent[]
