import { type Fault, refuseFaults } from './errors.ts'

/** A kind of event that a webhook reports of a notification. */
export type WebhookEvent = 'delivered' | 'read' | 'undelivered'

/** All kinds of events that a webhook can report. */
export const WEBHOOK_EVENTS: readonly WebhookEvent[] = ['delivered', 'read', 'undelivered']

/** The webhook that a backend asks for with a notification. */
export interface WebhookInput {
  /** The events that are to be reported, each once. */
  events: WebhookEvent[]
  /** The seconds after which it counts as undelivered unless a tab has acknowledged it. */
  undeliveredAfter?: number
  /** The URL to call; without it, the operator's. */
  url?: string
}

/** The webhooks that the operator allows. */
export interface WebhookPolicy {
  /** True if the server has a secret to sign with. */
  enabled: boolean
  /** True if the server has a URL for calls that name none. */
  hasUrl: boolean
  /** True if a call may name an address inside the operator's own network, and plain HTTP. */
  allowPrivate: boolean
}

/** The most characters of a URL that a call names. */
export const MAX_WEBHOOK_URL = 2048

/** The longest `undeliveredAfter`, in seconds: as long as a notification is kept by default. */
export const MAX_UNDELIVERED_AFTER = 28 * 24 * 60 * 60

/** A webhook as JSON text, with its fields always in the same order. */
export const webhookText = ({ events, undeliveredAfter, url }: WebhookInput): string =>
  JSON.stringify({ events, undeliveredAfter, url })

/** The faults of a webhook that a schema cannot see; an empty list if there are none. `ttl`: that of its notification. */
export function faultsOfWebhook(webhook: WebhookInput | undefined, ttl: number | undefined): Fault[] {
  if (webhook === undefined) return []
  if (ttl === 0)
    return [
      {
        pointer: '/webhook',
        detail: 'must not be there with ttl 0: nothing is stored that could be reported',
      },
    ]
  const wants = webhook.events.includes('undelivered')
  if (wants === (webhook.undeliveredAfter !== undefined)) return []
  const detail = wants ? 'is required with the event undelivered' : 'wants the event undelivered'
  return [{ pointer: '/webhook/undeliveredAfter', detail }]
}

/** Throws `invalid_request` if this server cannot call a webhook: it has no secret or no URL, or the URL is not allowed. */
export function refuseWebhook(webhook: WebhookInput | undefined, policy: WebhookPolicy | undefined): void {
  if (webhook !== undefined && policy !== undefined) refuseFaults(faultsOfTarget(webhook, policy))
}

function faultsOfTarget({ url }: WebhookInput, policy: WebhookPolicy): Fault[] {
  if (!policy.enabled)
    return [{ pointer: '/webhook', detail: 'is not available: this server has no WEBHOOK_SECRET' }]
  if (url !== undefined) return faultsOfUrl(url, policy)
  return policy.hasUrl
    ? []
    : [{ pointer: '/webhook/url', detail: 'is required: this server has no WEBHOOK_URL' }]
}

function faultsOfUrl(text: string, { allowPrivate }: WebhookPolicy): Fault[] {
  const fault = (detail: string): Fault[] => [{ pointer: '/webhook/url', detail }]
  const url = URL.parse(text)
  const wanted = allowPrivate ? ['https:', 'http:'] : ['https:']
  if (url === null || !wanted.includes(url.protocol))
    return fault(`must be a URL that begins with ${wanted.map((scheme) => `${scheme}//`).join(' or ')}`)
  if (url.username !== '' || url.password !== '') return fault('must not have a user name or password')
  return []
}
