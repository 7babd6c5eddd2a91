import { Type } from 'typebox'
import {
  answer,
  closed,
  connections,
  data,
  epoch,
  machineName,
  plainText,
  publishedHeaders,
  sequence,
} from './common.ts'

/** The most messages of one page of a history. */
const MAX_PAGE = 100

/** A room message as a backend sends it. */
export const messageBody = Type.Object(
  {
    type: Type.Optional(machineName('chat')),
    body: Type.Optional(plainText),
    data: Type.Optional(data),
  },
  {
    ...closed,
    description: 'At least one of body, data.',
    examples: [{ type: 'chat', body: 'Hello, everyone', data: { color: 'teal' } }],
  },
)

/** The answer to a room message. */
export const messaged = answer(
  Type.Object({ id: Type.String({ description: 'UUIDv7 (RFC 9562).' }), seq: sequence, epoch, connections }),
  'Stored, and delivered to the tabs in the room.',
  publishedHeaders,
)

/** The query of a history. */
export const historyQuery = Type.Object(
  {
    since: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          'Everything after this seq, oldest first; above 0 with its `epoch`. Without it: the newest.',
      }),
    ),
    epoch: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'The epoch of `since`.' })),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_PAGE,
        default: 50,
        description: 'The most messages to answer.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        description: 'The `nextCursor` of the page before; alone, or with `limit`.',
      }),
    ),
  },
  closed,
)

const message = Type.Object({
  id: Type.String(),
  seq: sequence,
  epoch,
  room: Type.String(),
  type: Type.String(),
  from: Type.Optional(Type.String({ description: 'The user who said it; a backend has none.' })),
  body: Type.Optional(Type.String()),
  data: Type.Optional(Type.Unknown()),
  createdAt: Type.String({ format: 'date-time' }),
})

const gap = Type.Object(
  {
    from: Type.Integer(),
    to: Type.Integer(),
    reason: Type.Unsafe<string>({ type: 'string', enum: ['trimmed', 'wiped', 'failover', 'unknown'] }),
  },
  { description: 'Messages in between that cannot be shown.' },
)

/** The answer with a page of a history. */
export const history = answer(
  Type.Object({
    messages: Type.Array(message),
    seq: sequence,
    epoch,
    nextCursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'With it the next page, in the same direction; null at the end.',
    }),
    gap: Type.Optional(gap),
  }),
  'Messages in the order of their seq. `seq` and `epoch` say where the log ended when it was read.',
)
