import type { Fault } from './errors.ts'

export type Severity = 'info' | 'success' | 'warning' | 'error'
/** RFC 8030 §5.3. */
export type Urgency = 'very-low' | 'low' | 'normal' | 'high'

export interface NotificationAction {
  action: string
  title: string
  url?: string
}

export interface Actor {
  id?: string
  name?: string
  avatar?: string
}

/**
 * What a backend says of a notification. The names are those of the WHATWG Notifications API, so that it can be pushed as it is.
 * The HTTP schema has checked the shape of each field before it gets here.
 */
export interface NotificationInput {
  title?: string
  body?: string
  type?: string
  severity?: Severity
  urgency?: Urgency
  url?: string
  icon?: string
  image?: string
  actions?: NotificationAction[]
  actor?: Actor
  category?: string
  renotify?: boolean
  silent?: boolean
  requireInteraction?: boolean
  data?: unknown
  /** Seconds; 0: only to the tabs that are connected now. */
  ttl?: number
}

/** What a backend says of a room message. */
export interface MessageInput {
  type?: string
  body?: string
  data?: unknown
}

/** The most bytes that `data` may have as JSON in UTF-8. */
export const MAX_DATA_BYTES = 16_384

/** How long a notification lives if nobody says otherwise, and at most, in seconds: 28 days. */
export const MAX_TTL_SECONDS = 28 * 24 * 60 * 60

/** The faults of a notification that a schema can't see; `content` is what it comes to as JSON. */
export function faultsOfNotification(input: NotificationInput, content: string): Fault[] {
  if (input.title === undefined && input.body === undefined && input.data === undefined)
    return [{ pointer: '', detail: 'must have at least one of title, body, data' }]
  return faultsOfData(input.data, content)
}

/** The faults of a room message that a schema can't see; `content` is what it comes to as JSON. */
export function faultsOfMessage(input: MessageInput, content: string): Fault[] {
  if (input.body === undefined && input.data === undefined)
    return [{ pointer: '', detail: 'must have at least one of body, data' }]
  return faultsOfData(input.data, content)
}

function faultsOfData(data: unknown, content: string): Fault[] {
  // A code unit is at most three bytes: most contents are too short to hold too much, and need not be measured.
  if (data === undefined || content.length * 3 <= MAX_DATA_BYTES) return []
  const bytes = Buffer.byteLength(JSON.stringify(data))
  return bytes > MAX_DATA_BYTES
    ? [{ pointer: '/data', detail: `must have at most ${MAX_DATA_BYTES} bytes as JSON, has ${bytes}` }]
    : []
}

/** The fields that a tab receives, with the defaults filled in and always in this order; `data` stays as it was sent. */
export function notificationContent(input: NotificationInput): object {
  const { ttl: _, data, type = 'message', severity = 'info', urgency = 'normal', ...rest } = input
  const { renotify = false, silent = false, requireInteraction = false } = rest
  const { title, body, url, icon, image, actions, actor, category } = rest
  return {
    title,
    body,
    type,
    severity,
    urgency,
    url,
    icon,
    image,
    actions,
    actor,
    category,
    renotify,
    silent,
    requireInteraction,
    data,
  }
}

/** Whether a notification may toast or sound when it arrives: not if it is meant for the inbox only, or silent. */
export function alerts(input: NotificationInput): boolean {
  const { urgency = 'normal', silent = false } = input
  return !silent && (urgency === 'normal' || urgency === 'high')
}
