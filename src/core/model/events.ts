/**
 * Every event between a page and Tabcast, with its payload: the one spelling of their names. Parsers, emitters and tests use these maps,
 * on every transport. Times are RFC 3339 in UTC.
 */
import type { Counts } from './item.ts'
import type { Cursor, Gap, StreamPosition } from './position.ts'

/** A payload that the log has numbered. */
type Logged = StreamPosition

/** A notification as a page receives it: the backend's fields, and these. An ephemeral one has no position. */
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
  /** True if it may toast or sound. */
  alert: boolean
  [field: string]: unknown
}

/** Notifications that received a state or lost it: one of the three times is present. */
export interface NotificationStatePayload extends Logged, Counts {
  ids?: string[]
  all?: true
  /** With `all`: only notifications that were not updated after this time. */
  before?: string
  seenAt?: string | null
  readAt?: string | null
  archivedAt?: string | null
}

/** Notifications that were withdrawn or have expired. */
export interface NotificationRemovedPayload extends Logged, Counts {
  ids: string[]
}

/** A message in a room. An ephemeral one has no id and no position. */
export interface MessagePayload extends Partial<Logged> {
  id?: string
  room: string
  type: string
  /** The user who sent it, if a page did. */
  from?: string
  body?: string
  data?: unknown
  createdAt: string
}

/** The position up to which everything of a channel has been sent. */
export interface PositionPayload extends StreamPosition, Partial<Counts> {
  channel: string
}

/** A loss on a channel. */
export interface GapPayload extends Gap {
  channel: string
  epoch: string
}

/** A user who came into a room or left it, and the number of users there now. */
export interface PresenceChange {
  room: string
  user: string
  action: 'join' | 'leave'
  count: number
}

/** A room that the tab was granted, and the position from which on it hears it. */
export interface SubscribedPayload extends StreamPosition {
  room: string
}

/** The reason why a tab does not hear a room, or no longer does. */
export type UnsubscribedCode = 'room_forbidden' | 'token_expired'

/** A room that the tab does not hear, or no longer does. */
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

/** The positions of a tab: on its user's log, and in the rooms that it wants to go on with. */
export interface ConnectCursor extends Cursor {
  rooms?: Record<string, Cursor>
}

/** The options of `subscribe`. */
export interface SubscribeOptions {
  /** The position to go on after. */
  since?: Cursor
  /** The most of the newest messages to be sent. Either this or `since`. */
  last?: number
  /** A room token that grants the room. */
  token?: string
  /** True if the tab wants to see who is in the room. */
  presence?: boolean
}

/** Events from a tab to the server, by name: the arguments, and the fields of the acknowledgement besides `ok`. */
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

/** The filter of the notifications that a tab wants to see, newest first. */
export interface InboxOptions {
  status?: 'active' | 'unread' | 'unseen' | 'read' | 'archived'
  category?: string
  type?: string
  tag?: string
  limit?: number
  /** The `nextCursor` of the page before. */
  cursor?: string
}

/** The notifications that are to receive a state or lose it: exactly one of `seen`, `read` and `archived`. */
export interface MarkOptions {
  ids?: readonly string[]
  all?: true
  before?: string
  seen?: boolean
  read?: boolean
  archived?: boolean
}

/** An error in an acknowledgement. */
export interface ErrorAnswer {
  ok: false
  /** `help`: the page that explains the error, as a reference from the server's root. */
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
