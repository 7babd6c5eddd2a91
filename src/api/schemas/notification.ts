import { Type } from 'typebox'
import { MAX_CATEGORY_LENGTH } from '../../core/model/limits.ts'
import { MAX_TTL_SECONDS } from '../../core/model/notification.ts'
import {
  MAX_UNDELIVERED_AFTER,
  MAX_WEBHOOK_URL,
  WEBHOOK_EVENTS,
  type WebhookEvent,
} from '../../core/model/webhook.ts'
import { closed, data, link, machineName, plainText, tag } from './common.ts'

const choice = <const Value extends string>(
  values: readonly Value[],
  byDefault: NoInfer<Value>,
  description: string,
) => Type.Unsafe<Value>({ type: 'string', enum: values, default: byDefault, description })

const action = Type.Object(
  {
    action: Type.String({ minLength: 1, maxLength: 64, description: 'A name for programs.' }),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    url: Type.Optional(link('Opened by the action.')),
  },
  closed,
)

const actor = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 256 })),
    name: Type.Optional(Type.String({ maxLength: 200 })),
    avatar: Type.Optional(link('A picture.')),
  },
  { ...closed, description: 'Who did it.' },
)

/** Seconds that a task may be silent before it is shown as stale, at most: a day. */
const MAX_STALE_AFTER = 24 * 60 * 60

const progress = Type.Object(
  {
    status: Type.Unsafe<'queued' | 'running' | 'succeeded' | 'failed' | 'canceled'>({
      type: 'string',
      enum: ['queued', 'running', 'succeeded', 'failed', 'canceled'],
    }),
    value: Type.Optional(
      Type.Number({ minimum: 0, description: 'How far, out of `max`; left out if unknown.' }),
    ),
    max: Type.Optional(Type.Number({ exclusiveMinimum: 0, default: 100 })),
    text: Type.Optional(Type.String({ maxLength: 200, description: 'What is being done; plain text.' })),
    staleAfter: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_STALE_AFTER,
        description: 'Without an update for this many seconds it is shown as stale.',
      }),
    ),
  },
  {
    ...closed,
    description:
      'How far a task has come; wants a tag. The one that finishes alerts once more. A finished one is set back only by a higher `version`, or after a DELETE.',
  },
)

const webhook = Type.Object(
  {
    events: Type.Array(Type.Unsafe<WebhookEvent>({ type: 'string', enum: WEBHOOK_EVENTS }), {
      minItems: 1,
      maxItems: WEBHOOK_EVENTS.length,
      uniqueItems: true,
      description:
        '`delivered`: a tab has acknowledged it; `read`: the user has read it; `undelivered`: nobody has acknowledged it in time, or before it was gone.',
    }),
    undeliveredAfter: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_UNDELIVERED_AFTER,
        description: 'With the event `undelivered`, and only then: seconds.',
      }),
    ),
    url: Type.Optional(
      Type.String({
        maxLength: MAX_WEBHOOK_URL,
        description:
          'Where it is sent: `https://` and a public address. Without it, to the `WEBHOOK_URL` of the operator.',
        examples: ['https://backend.example/tabcast'],
      }),
    ),
  },
  {
    ...closed,
    description:
      'The events of this version that the backend wants to receive; tabs do not see this field. Signed as in Standard Webhooks, and repeated until it is accepted. Needs a server with a `WEBHOOK_SECRET`.',
  },
)

/** The fields of a notification, besides its tag. */
const fields = {
  title: Type.Optional(Type.String({ maxLength: 200, description: 'One line.' })),
  body: Type.Optional(plainText),
  type: Type.Optional(machineName('export.finished')),
  severity: Type.Optional(choice(['info', 'success', 'warning', 'error'], 'info', 'Look and role only.')),
  urgency: Type.Optional(
    choice(
      ['very-low', 'low', 'normal', 'high'],
      'normal',
      'low: inbox only; normal: toast; high: stays, and a popup of the system (RFC 8030).',
    ),
  ),
  url: Type.Optional(link('Opened on click.')),
  icon: Type.Optional(link('A small picture.')),
  image: Type.Optional(link('A large picture.')),
  actions: Type.Optional(Type.Array(action, { maxItems: 3 })),
  actor: Type.Optional(actor),
  category: Type.Optional(
    Type.String({ maxLength: MAX_CATEGORY_LENGTH, description: 'A group to filter by.' }),
  ),
  version: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description:
        'Wants a tag. An update whose version is not higher than the stored one is dropped; without it each is one higher than the one before.',
    }),
  ),
  progress: Type.Optional(progress),
  renotify: Type.Optional(
    Type.Boolean({
      default: false,
      description: 'Wants a tag. A replacement alerts again, and is unseen and unread again.',
    }),
  ),
  silent: Type.Optional(Type.Boolean({ default: false, description: 'No sound, no toast.' })),
  requireInteraction: Type.Optional(
    Type.Boolean({ default: false, description: 'Stays until it is dismissed.' }),
  ),
  data: Type.Optional(data),
  ttl: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_TTL_SECONDS,
      default: MAX_TTL_SECONDS,
      description: 'Seconds; 0: only to the tabs that are connected now, never stored, without a seq.',
    }),
  ),
  webhook: Type.Optional(webhook),
}

const ownTag = Type.Optional(
  tag(
    'A notification of the user with the same tag is replaced as a whole. It keeps its id; it also stays seen, read and archived, unless `renotify` or a finished `progress` says otherwise.',
  ),
)

/** A notification for many users, as a backend sends it. */
export const sharedNotification = Type.Object(
  { ...fields, tag: ownTag },
  { ...closed, description: 'As with one user, without `sendAt`. At least one of title, body, data.' },
)

/** A notification as a backend sends it. */
export const notificationBody = Type.Object(
  {
    ...fields,
    tag: ownTag,
    sendAt: Type.Optional(
      Type.String({
        format: 'date-time',
        description:
          'RFC 3339: kept until then, at most a year, and shown at most 2 s late; its `ttl` begins then. A time that has passed means now.',
      }),
    ),
  },
  {
    ...closed,
    description: 'Names follow the WHATWG Notifications API. At least one of title, body, data.',
    examples: [
      {
        title: 'Your export is ready',
        body: '1,284 rows in 3 seconds',
        type: 'export.finished',
        severity: 'success',
        url: '/docs',
        data: { export: 42 },
      },
    ],
  },
)

/** The same without its tag, which is in the path. */
export const taggedBody = Type.Object(fields, {
  ...closed,
  description: 'As with POST, without `tag`. At least one of title, body, data.',
  examples: [
    {
      title: 'Exporting',
      progress: { status: 'running', value: 420, max: 1284, text: 'Row 420 of 1,284', staleAfter: 30 },
    },
  ],
})
