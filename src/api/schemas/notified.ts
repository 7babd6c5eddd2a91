import { Type } from 'typebox'
import { answer, connections, epoch, publishedHeaders, sequence } from './common.ts'

/** The fields of an answer for one user. */
export const outcome = {
  id: Type.String({ description: 'UUIDv7 (RFC 9562). A replacement keeps that of the first.' }),
  seq: Type.Optional(sequence),
  epoch: Type.Optional(epoch),
  version: Type.Integer({ minimum: 0 }),
  created: Type.Boolean({ description: 'false: it replaced one, or was dropped.' }),
  applied: Type.Optional(
    Type.Boolean({
      description:
        'Only there if it is false: the update was dropped, since the stored one is newer, or finished. The other fields are those of the stored one.',
    }),
  ),
  connections,
}

const delivered = Type.Optional(
  Type.Boolean({ description: 'With `Prefer: wait=N`: whether a tab has acknowledged it by now.' }),
)

/** The answer to a notification that was not there before. */
export const notified = answer(
  Type.Object({ ...outcome, delivered }),
  'Stored, and delivered to the tabs that are connected. With `ttl: 0` delivered only, and without `seq` and `epoch`.',
  publishedHeaders,
)

/** The answer to a notification that is kept for later. */
export const scheduled = answer(
  Type.Object({
    id: Type.String({ description: 'UUIDv7 (RFC 9562). It has a seq when it is due.' }),
    sendAt: Type.String({ format: 'date-time' }),
  }),
  'Kept until then. `DELETE /notify/:user/:id` cancels it.',
  publishedHeaders,
)

/** The answer to a notification whose tag was known. */
export const replaced = answer(
  Type.Object({ ...outcome, delivered }),
  'The tag was known: replaced in place, or dropped if `applied` is false.',
  publishedHeaders,
)
