import { Type } from 'typebox'
import { answer, closed, id, publishedHeaders } from './common.ts'
import { sharedNotification } from './notification.ts'
import { outcome } from './notified.ts'

/** The most users that one call may notify. */
const MAX_USERS = 1000

/** The body of `POST /notify`: one notification for many users. */
export const manyBody = Type.Object(
  {
    users: Type.Array(id('A user.', 'demo'), {
      minItems: 1,
      maxItems: MAX_USERS,
      description: 'Each once.',
    }),
    notification: sharedNotification,
  },
  {
    ...closed,
    examples: [
      {
        users: ['demo', 'alice'],
        notification: { title: 'Maintenance tonight', body: 'From 22:00 to 22:15 UTC.', severity: 'warning' },
      },
    ],
  },
)

const result = Type.Object(
  {
    user: Type.String(),
    status: Type.Integer({ description: 'What a call for this user alone would have answered.' }),
    ...Type.Partial(Type.Object(outcome)).properties,
    replayed: Type.Optional(
      Type.Boolean({ description: 'Only there if it is true: an earlier call with the same key stored it.' }),
    ),
    problem: Type.Optional(Type.Unsafe<object>({ $ref: 'Problem#' })),
  },
  { description: 'Either as for one user, or `problem`.' },
)

const results = () => Type.Object({ results: Type.Array(result, { description: 'In the order asked.' }) })

/** The answer if the notification was stored for all users. */
export const storedForAll = answer(results(), 'Stored for all users.', publishedHeaders)

/** The answer if it was stored for some of them. */
export const storedForSome = answer(
  results(),
  'Stored for some users; `problem` says what became of the others. Repeat the call with the same idempotency key: it completes the rest.',
)
