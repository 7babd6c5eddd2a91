import { type Fault, refuseFaults } from './errors.ts'

/** What can become of a notification. */
export type WebhookEvent = 'delivered' | 'read' | 'undelivered'

export const WEBHOOK_EVENTS: readonly WebhookEvent[] = ['delivered', 'read', 'undelivered']

/** What a backend wants to hear of its notification. */
export interface WebhookInput {
  /** Each once. */
  events: WebhookEvent[]
  /** After this many seconds without a tab that acknowledged it, it counts as undelivered. */
  undeliveredAfter?: number
  /** Where it is told; without it where the operator said. */
  url?: string
}

/** What the operator allows. */
export interface WebhookPolicy {
  /** Whether there is a secret to sign with. */
  enabled: boolean
  /** Whether there is a place to tell it for calls that name none. */
  hasUrl: boolean
  /** Whether a call may name an address inside of the operator's own network, and plain HTTP. */
  allowPrivate: boolean
}

/** The most characters of a URL that a call names. */
export const MAX_WEBHOOK_URL = 2048

/** The longest time after which something counts as undelivered, in seconds: as long as anything is kept by default. */
export const MAX_UNDELIVERED_AFTER = 28 * 24 * 60 * 60

/** What is wanted as text, always in this order. */
export const webhookText = ({ events, undeliveredAfter, url }: WebhookInput): string =>
  JSON.stringify({ events, undeliveredAfter, url })

/** What is wrong with what a backend wants to hear, as far as the schema can't see it. */
export function faultsOfWebhook(webhook: WebhookInput | undefined, ttl: number | undefined): Fault[] {
  if (webhook === undefined) return []
  if (ttl === 0)
    return [{ pointer: '/webhook', detail: 'must not be there with ttl 0: nothing is stored to be watched' }]
  const wants = webhook.events.includes('undelivered')
  if (wants === (webhook.undeliveredAfter !== undefined)) return []
  const detail = wants ? 'is required with the event undelivered' : 'wants the event undelivered'
  return [{ pointer: '/webhook/undeliveredAfter', detail }]
}

/** Throws `invalid_request` for what can't be told here: no secret, no place to tell it, or a place that is not allowed. */
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
