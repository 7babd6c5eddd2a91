import { Type } from 'typebox'
import { MAX_ID_LENGTH } from '../../core/model/channel.ts'
import { answer, closed, id } from './common.ts'

const patterns = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH }), {
    maxItems: 100,
    description: `${description} A pattern is an exact id, or a prefix and one final \`*\`.`,
  })

/** The body of `POST /tokens`. */
export const tokenBody = Type.Object(
  {
    user: id('The user of the tab.', 'demo'),
    ttl: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 30 * 24 * 60 * 60,
        default: 3600,
        description: 'Seconds until it expires.',
      }),
    ),
    rooms: Type.Optional(patterns('Rooms that may be subscribed.')),
    publish: Type.Optional(patterns('Rooms in which the page may speak.')),
  },
  { ...closed, examples: [{ user: 'demo', ttl: 3600, rooms: ['lobby', 'chat:*'] }] },
)

/** The answer with a new token. */
export const minted = answer(
  Type.Object({ token: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }),
  'A token for `auth.token` of a Socket.IO client.',
)
