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

export const onePresence = answer(Type.Object(presence.properties), 'Whether the user is there.')

export const presenceBody = Type.Object(
  { users: Type.Array(id('A user.', 'demo'), { minItems: 1, maxItems: 1000 }) },
  { ...closed, examples: [{ users: ['demo', 'alice'] }] },
)

export const manyPresences = answer(
  Type.Object({ users: Type.Array(presence) }),
  'Each user, in the order asked.',
)

export const disconnectBody = Type.Object(
  {
    revoke: Type.Optional(
      Type.Boolean({ default: false, description: 'Also refuse every token that was issued up to now.' }),
    ),
  },
  { ...closed, description: 'May be left out.', examples: [{ revoke: false }] },
)

export const disconnected = answer(
  Type.Object({ user: Type.String(), revoked: Type.Boolean() }),
  'Every process that has connections of the user has been told to close them.',
)
