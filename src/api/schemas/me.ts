import { Type } from 'typebox'
import { INBOX_STATUSES, type Status } from '../../core/engine/inbox.ts'
import {
  DEFAULT_INBOX_PAGE,
  MAX_CATEGORY_LENGTH,
  MAX_INBOX_PAGE,
  MAX_MARKED_IDS,
} from '../../core/model/limits.ts'
import { answer, closed, epoch, idOrTag, machineNameFilter, sequence, tag, uuid } from './common.ts'

/** The query of a list of the inbox. */
export const inboxQuery = Type.Object(
  {
    status: Type.Optional(
      Type.Unsafe<Status>({
        type: 'string',
        enum: INBOX_STATUSES,
        description:
          '`active`: not archived; `unread`: neither read nor archived; `unseen`: unread and not seen; `read`: read, not archived. Without it: all.',
      }),
    ),
    category: Type.Optional(
      Type.String({ minLength: 1, maxLength: MAX_CATEGORY_LENGTH, description: 'Only this category.' }),
    ),
    type: Type.Optional(machineNameFilter('Only this type.')),
    tag: Type.Optional(tag('Only the one with this tag.')),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_INBOX_PAGE,
        default: DEFAULT_INBOX_PAGE,
        description: 'The most notifications to answer.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({ minLength: 1, maxLength: 500, description: 'The `nextCursor` of the page before.' }),
    ),
  },
  closed,
)

const counts = {
  unread: Type.Integer({ minimum: 0, description: 'Neither read nor archived.' }),
  unseen: Type.Integer({ minimum: 0, description: 'Those of them that were not even seen.' }),
}

const time = Type.String({ format: 'date-time' })
const state = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' })

/** A notification as a page gets it; the fields from the backend are as they were sent. */
const item = Type.Object(
  {
    id: Type.String({ description: 'UUIDv7 (RFC 9562).' }),
    type: Type.String(),
    severity: Type.String(),
    urgency: Type.String(),
    version: Type.Integer({ minimum: 0 }),
    createdAt: time,
    updatedAt: time,
    expiresAt: time,
    seenAt: state,
    readAt: state,
    archivedAt: state,
    seq: sequence,
    epoch,
  },
  { description: 'All fields as they were sent (`title`, `body`, `data`, …), and these.' },
)

/** The answer to a list of the inbox. */
export const inbox = answer(
  Type.Object({
    items: Type.Array(item),
    nextCursor: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'With it the next page, of older ones; null at the end.',
    }),
    ...counts,
    seq: sequence,
    epoch,
  }),
  "Notifications, newest first. `seq` and `epoch` say where the user's log ended when it was read: go on from there.",
)

/** The answer with the counts of the inbox. */
export const inboxCounts = answer(Type.Object(counts), 'How many there are.')

/** The answer to `mark`. */
export const marked = answer(Type.Object(counts), 'How many there are now.')

/** The body of `mark`. */
export const markBody = Type.Object(
  {
    ids: Type.Optional(
      Type.Array(uuid, { maxItems: MAX_MARKED_IDS, description: 'These. Unknown ones are ignored.' }),
    ),
    all: Type.Optional(Type.Literal(true, { description: 'All of them.' })),
    before: Type.Optional(
      Type.String({
        format: 'date-time',
        maxLength: 64,
        description: 'With `all`: only those that were not touched after this time.',
      }),
    ),
    seen: Type.Optional(Type.Boolean()),
    read: Type.Optional(Type.Boolean()),
    archived: Type.Optional(Type.Boolean({ description: '`false` takes a state away, as with the others.' })),
  },
  {
    ...closed,
    description: 'Either `ids` or `all`, and exactly one of `seen`, `read`, `archived`.',
    examples: [{ all: true, seen: true }],
  },
)

/** The path parameters of a notification of the user whose token is sent. */
export const ownItemParams = Type.Object({ idOrTag: idOrTag('release-notes') })
