import type { Fault } from './errors.ts'
import type { ProgressState } from './item.ts'
import { MAX_DATA_BYTES } from './limits.ts'
import { matches, UUID } from './patterns.ts'
import { faultsOfWebhook, type WebhookInput } from './webhook.ts'

/** The severity of a notification, for its looks. */
export type Severity = 'info' | 'success' | 'warning' | 'error'

/** The urgency of a notification (RFC 8030 §5.3). Below `normal`, it does not alert. */
export type Urgency = 'very-low' | 'low' | 'normal' | 'high'

/** A button of a notification, as in the WHATWG Notifications API. */
export interface NotificationAction {
  action: string
  title: string
  url?: string
}

/** The progress of the task behind a notification. */
export interface Progress {
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'canceled'
  /** Out of `max`; without it, how far the task has come is not known. */
  value?: number
  max?: number
  text?: string
  /** The seconds after which it is shown as stale unless it is updated. */
  staleAfter?: number
}

/** The person or thing behind a notification. */
export interface Actor {
  id?: string
  name?: string
  avatar?: string
}

/**
 * A notification as a backend sends it. The names are those of the WHATWG Notifications API, so that it can be pushed as it is.
 * The HTTP schema has checked the form of each field before it gets here.
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
  tag?: string
  version?: number
  progress?: Progress
  renotify?: boolean
  silent?: boolean
  requireInteraction?: boolean
  data?: unknown
  /** Seconds; 0: ephemeral, only for the tabs that are connected now. */
  ttl?: number
  /** The webhook that the backend asks for. Tabs do not receive it. */
  webhook?: WebhookInput
}

/** A room message as its sender gives it. */
export interface MessageInput {
  type?: string
  body?: string
  data?: unknown
}

/** The longest `ttl` of a notification, and the one that it has by default, in seconds: 28 days. */
export const MAX_TTL_SECONDS = 28 * 24 * 60 * 60

/**
 * The faults of a notification that a schema cannot see; an empty list if there are none. `content`: the notification as JSON text;
 * `maxDataBytes`: the most bytes that `data` may have as JSON in UTF-8.
 */
export function faultsOfNotification(
  input: NotificationInput,
  content: string,
  maxDataBytes = MAX_DATA_BYTES,
): Fault[] {
  if (input.title === undefined && input.body === undefined && input.data === undefined)
    return [{ pointer: '', detail: 'must have at least one of title, body, data' }]
  const faults: Fault[] = []
  if (input.tag === undefined) addWantedTags(faults, input)
  else addFaultsOfTag(faults, input.tag, input)
  addFaultOfName(faults, 'category', input.category)
  addFaultOfName(faults, 'type', input.type)
  if (input.webhook !== undefined) faults.push(...faultsOfWebhook(input.webhook, input.ttl))
  if (faults.length === 0) addFaultOfData(faults, input.data, content, maxDataBytes)
  return faults
}

/** Names are compared with parameters of URLs, which cannot have half of a surrogate pair. */
function addFaultOfName(faults: Fault[], field: string, name: string | undefined): void {
  if (name?.isWellFormed() === false)
    faults.push({ pointer: `/${field}`, detail: 'must not have half of a surrogate pair' })
}

function addWantedTags(faults: Fault[], { version, progress, renotify }: NotificationInput): void {
  if (version !== undefined) faults.push(wantsTag('version'))
  if (progress !== undefined) faults.push(wantsTag('progress'))
  if (renotify) faults.push(wantsTag('renotify'))
}

const wantsTag = (field: string): Fault => ({ pointer: `/${field}`, detail: 'wants a tag' })

function addFaultsOfTag(faults: Fault[], tag: string, { progress, ttl }: NotificationInput): void {
  if (matches(UUID, tag)) faults.push({ pointer: '/tag', detail: 'must not look like a UUID: ids do' })
  if (ttl === 0)
    faults.push({ pointer: '/ttl', detail: 'must not be 0 with a tag: nothing would be there to replace' })
  if (progress?.value !== undefined && progress.value > (progress.max ?? 100))
    faults.push({
      pointer: '/progress/value',
      detail: `must be at most max, which is ${progress.max ?? 100}`,
    })
}

/** The state of the task behind a notification. */
export function progressStateOf({ progress }: NotificationInput): ProgressState {
  if (progress === undefined) return 'none'
  return progress.status === 'queued' || progress.status === 'running' ? 'running' : 'finished'
}

/** The faults of a room message that a schema cannot see. Parameters and result are as in `faultsOfNotification`. */
export function faultsOfMessage(
  input: MessageInput,
  content: string,
  maxDataBytes = MAX_DATA_BYTES,
): Fault[] {
  if (input.body === undefined && input.data === undefined)
    return [{ pointer: '', detail: 'must have at least one of body, data' }]
  const faults: Fault[] = []
  addFaultOfData(faults, input.data, content, maxDataBytes)
  return faults
}

function addFaultOfData(faults: Fault[], data: unknown, content: string, maxBytes: number): void {
  // A code unit is at most three bytes, so most contents are too short to be over the limit and need not be measured.
  if (data === undefined || content.length * 3 <= maxBytes) return
  const bytes = Buffer.byteLength(JSON.stringify(data))
  if (bytes > maxBytes)
    faults.push({ pointer: '/data', detail: `must have at most ${maxBytes} bytes as JSON, has ${bytes}` })
}

/** The fields that a tab receives, with the defaults filled in and always in the same order, nested ones too; `data` stays as it was sent. */
export function notificationContent(input: NotificationInput): object {
  const { type = 'message', severity = 'info', urgency = 'normal' } = input
  const { renotify = false, silent = false, requireInteraction = false } = input
  const { title, body, url, icon, image, actions, actor, category, tag, progress, data } = input
  return {
    title,
    body,
    type,
    severity,
    urgency,
    url,
    icon,
    image,
    actions: actions?.map(({ action, title, url }) => ({ action, title, url })),
    actor: actor && { id: actor.id, name: actor.name, avatar: actor.avatar },
    category,
    tag,
    progress: progress && progressContent(progress),
    renotify,
    silent,
    requireInteraction,
    data,
  }
}

const progressContent = ({ status, value, max, text, staleAfter }: Progress): object => ({
  status,
  value,
  max,
  text,
  staleAfter,
})

/** True if a notification may toast or sound when it arrives. One of low urgency is for the inbox only; a silent one never does. */
export function alerts(input: NotificationInput): boolean {
  const { urgency = 'normal', silent = false } = input
  return !silent && (urgency === 'normal' || urgency === 'high')
}
