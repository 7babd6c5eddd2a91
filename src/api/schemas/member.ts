import { Type } from 'typebox'
import { MAX_LISTED_USERS } from '../../core/model/limits.ts'
import { answer, closed, id, roomParams } from './common.ts'

/** The path parameters of one member of a room. */
export const memberParams = Type.Object({
  ...roomParams.properties,
  user: id('The user, percent-encoded.', 'demo'),
})

/** The body that makes a user a member of a room. */
export const memberBody = Type.Object(
  {
    publish: Type.Optional(
      Type.Boolean({ default: false, description: 'The member may also speak in the room, from the page.' }),
    ),
  },
  { ...closed, description: 'May be left out.', examples: [{ publish: true }] },
)

/** The answer that says who is in a room. */
export const roomPresence = answer(
  Type.Object({
    users: Type.Array(Type.Object({ user: Type.String(), connections: Type.Integer({ minimum: 0 }) }), {
      maxItems: MAX_LISTED_USERS,
    }),
    count: Type.Integer({ minimum: 0, description: 'How many users there are.' }),
    connections: Type.Integer({
      minimum: 0,
      description: 'Connections in the room, over all workers; those without a token included.',
    }),
  }),
  `Who is in the room, in no order. Beyond ${MAX_LISTED_USERS} users only \`count\` is complete.`,
)
