import { WEBHOOK_EVENTS, type WebhookEvent } from '../../core/model/webhook.ts'

const MEANINGS: Record<WebhookEvent, string> = {
  delivered: 'A tab has acknowledged a notification, or its user has seen or read it',
  read: 'A user has read a notification',
  undelivered: 'Nobody has acknowledged a notification in time, or before it was gone',
}

const header = (name: string, description: string) => ({
  name,
  in: 'header' as const,
  required: true,
  description,
  schema: { type: 'string' as const },
})

const headers = [
  header('webhook-id', 'The same for every try: ignore one that was handled before.'),
  header('webhook-timestamp', 'When this try was sent, in seconds since 1970.'),
  header(
    'webhook-signature',
    '`v1,` and base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`; one per secret, separated by spaces.',
  ),
]

const text = (description: string) => ({ type: 'string' as const, description })

const bodyOf = (event: WebhookEvent) => ({
  type: 'object' as const,
  required: ['type', 'timestamp', 'data'],
  properties: {
    type: { type: 'string' as const, enum: [`notification.${event}`] },
    timestamp: { ...text('When it happened.'), format: 'date-time' },
    data: {
      type: 'object' as const,
      required: event === 'undelivered' ? ['user', 'id', 'version', 'reason'] : ['user', 'id', 'version'],
      properties: {
        user: text('The user whom the notification is for.'),
        id: text('Of the notification.'),
        tag: text('Of the notification, if it has one.'),
        version: { type: 'integer' as const, description: 'Of the notification.' },
        ...(event === 'undelivered'
          ? {
              reason: {
                ...text('`timeout`: nobody acknowledged it in time; `removed`: it was gone before.'),
                enum: ['timeout', 'removed'],
              },
            }
          : {}),
      },
    },
  },
})

const callOf = (event: WebhookEvent) => ({
  post: {
    operationId: `${event}Webhook`,
    tags: ['notifications'],
    summary: `${MEANINGS[event]}.`,
    description:
      'Sent by Tabcast to the URL in the field `webhook`, or to the `WEBHOOK_URL` of the operator, as Standard Webhooks says. Any answer other than a 2xx within 10 s is followed by another try, a redirect too; 410 ends it.',
    security: [],
    parameters: headers,
    requestBody: { required: true, content: { 'application/json': { schema: bodyOf(event) } } },
    responses: { '2XX': { description: 'Accepted.' }, 410: { description: 'No more of this notification.' } },
  },
})

/** The calls that Tabcast itself makes, by name, as `webhooks` of OpenAPI 3.1. */
export const webhookCalls = Object.fromEntries(
  WEBHOOK_EVENTS.map((event) => [`notification.${event}`, callOf(event)]),
)
