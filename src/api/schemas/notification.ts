import { Type } from 'typebox'
import { MAX_TTL_SECONDS } from '../../core/notification.ts'
import {
  answer,
  closed,
  connections,
  data,
  epoch,
  link,
  machineName,
  plainText,
  publishedHeaders,
  sequence,
} from './common.ts'

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

/** A notification as a backend sends it. */
export const notificationBody = Type.Object(
  {
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
    category: Type.Optional(Type.String({ maxLength: 64, description: 'A group to filter by.' })),
    renotify: Type.Optional(
      Type.Boolean({ default: false, description: '`true` wants a tag, which is not supported yet.' }),
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

/** The answer to a notification. */
export const notified = answer(
  Type.Object({
    id: Type.String({ description: 'UUIDv7 (RFC 9562).' }),
    seq: Type.Optional(sequence),
    epoch: Type.Optional(epoch),
    version: Type.Integer({ minimum: 0 }),
    created: Type.Boolean(),
    connections,
  }),
  'Stored, and delivered to the tabs that are connected. With `ttl: 0` delivered only, and without `seq` and `epoch`.',
  publishedHeaders,
)
