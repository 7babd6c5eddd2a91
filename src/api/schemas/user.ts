import { Type } from 'typebox'
import { answer, closed, id } from './common.ts'

const presence = Type.Object({
  user: Type.String(),
  online: Type.Boolean(),
  connections: Type.Integer({ minimum: 0, description: 'Over all workers.' }),
  lastSeen: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'When the last connection was there (RFC 3339); null if never, or forgotten.',
  }),
})

/** The answer that says whether one user is there. */
export const onePresence = answer(Type.Object(presence.properties), 'Whether the user is there.')

/** The body of `POST /presence`. */
export const presenceBody = Type.Object(
  { users: Type.Array(id('A user.', 'demo'), { minItems: 1, maxItems: 1000 }) },
  { ...closed, examples: [{ users: ['demo', 'alice'] }] },
)

/** The answer that says which of many users are there. */
export const manyPresences = answer(
  Type.Object({ users: Type.Array(presence) }),
  'Each user, in the order asked.',
)

/** The body of `POST /users/:user/disconnect`, which may be left out. */
export const disconnectBody = Type.Object(
  {
    revoke: Type.Optional(
      Type.Boolean({ default: false, description: 'Also refuse every token that was issued up to now.' }),
    ),
  },
  { ...closed, description: 'May be left out.', examples: [{ revoke: false }] },
)

/** The answer to `POST /users/:user/disconnect`. */
export const disconnected = answer(
  Type.Object({ user: Type.String(), revoked: Type.Boolean() }),
  'Every process with connections of the user has been asked to close them.',
)
