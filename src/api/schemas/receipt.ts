import { Type } from 'typebox'
import { answer, epoch, sequence } from './common.ts'

const time = (description?: string) =>
  Type.String({ format: 'date-time', ...(description === undefined ? {} : { description }) })

const reached = (description: string) =>
  Type.Unsafe<{ at: string } | null>({
    type: ['object', 'null'],
    properties: { at: { type: 'string', format: 'date-time' } },
    required: ['at'],
    description: `${description} null: not yet.`,
  })

/** The answer that says how far a notification has come. */
export const receipt = answer(
  Type.Object({
    id: Type.String({ description: 'UUIDv7 (RFC 9562).' }),
    tag: Type.Optional(Type.String()),
    version: Type.Integer({ minimum: 0 }),
    seq: sequence,
    epoch,
    stored: Type.Object({ at: time() }, { description: 'When this version was stored.' }),
    sent: Type.Object(
      { at: time(), connections: Type.Integer({ minimum: 0 }) },
      { description: 'When this version was sent, and to how many connections, over all workers.' },
    ),
    delivered: reached('When the first tab acknowledged this version.'),
    seen: reached('When the user saw it.'),
    read: reached('When the user read it.'),
    archived: reached('When the user put it away.'),
    createdAt: time('When the first version was stored.'),
    expiresAt: time(),
  }),
  'How far it has come, each step with its time (RFC 3339).',
)

/** The answer for a notification that waits for its time. */
export const waiting = Type.Object({
  id: Type.String({ description: 'UUIDv7 (RFC 9562).' }),
  sendAt: time('When it will be stored and shown.'),
})
