import { type TSchema, Type } from 'typebox'
import { MAX_DEPTH } from '../../core/json/depth.ts'
import { MAX_ID_LENGTH } from '../../core/model/channel.ts'
import { MAX_BODY_LENGTH } from '../../core/model/limits.ts'
import {
  CONNECTION_ID,
  ID_OR_TAG,
  IDEMPOTENCY_KEY,
  LINK,
  MACHINE_NAME,
  PATTERNS,
  PUSHER_SOCKET_ID,
  TAG,
  UUID,
} from '../../core/model/patterns.ts'

/** An object that has these fields and no others. */
export const closed = { additionalProperties: false } as const

/** An id of a user or a room. What no schema can say of it, `wantId` checks. */
export const id = (description: string, example: string) =>
  Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH, description, examples: [example] })

export const userParams = Type.Object({ user: id('The user, percent-encoded.', 'demo') })
export const roomParams = Type.Object({ room: id('The room, percent-encoded.', 'lobby') })

/** The words for each pattern, since a validator has none. */
export const PATTERN_DETAILS: Readonly<Record<string, string>> = Object.fromEntries(
  PATTERNS.map(({ source, detail }) => [source, detail]),
)

/** A link that may be opened by a click: http(s), or a path of this origin. Scripts and foreign hosts in disguise are not. */
export const link = (description: string) =>
  Type.String({
    maxLength: 2048,
    pattern: LINK.source,
    description: `${description} An http(s) URL, or a path that begins with one slash.`,
  })

/** A machine name that is asked for. */
export const machineNameFilter = (description: string) =>
  Type.String({ pattern: MACHINE_NAME.source, description })

export const machineName = (example: string) =>
  Type.String({
    pattern: MACHINE_NAME.source,
    default: 'message',
    description: 'A name for programs.',
    examples: [example],
  })

/** A name that a backend gives a notification, so that it can be replaced. */
export const tag = (description: string, example?: string) =>
  Type.String({ pattern: TAG.source, description, ...(example === undefined ? {} : { examples: [example] }) })

export const idOrTag = (example: string) =>
  Type.String({
    pattern: ID_OR_TAG.source,
    description: 'The id of a notification, or its tag.',
    examples: [example],
  })

export const uuid = Type.String({ pattern: UUID.source, description: 'The id of a notification.' })

/** The path of one notification of a user. */
export const itemParams = (example: string) =>
  Type.Object({ user: id('The user, percent-encoded.', 'demo'), idOrTag: idOrTag(example) })

/** The same, where there may be none yet, so that only a tag can say which. */
export const tagParams = (example: string) =>
  Type.Object({
    user: id('The user, percent-encoded.', 'demo'),
    idOrTag: tag('The tag. An id is not taken: the server gives those.', example),
  })

export const plainText = Type.String({ maxLength: MAX_BODY_LENGTH, description: 'Plain text.' })

export const data = Type.Unknown({
  description: `Any JSON of at most 16 KB and ${MAX_DEPTH} levels, for the page's own code; arrives exactly as it was sent.`,
})

/** A connection, as callers of Pusher name it. */
export const socketId = (description: string) =>
  Type.String({ pattern: PUSHER_SOCKET_ID.source, description })

/** Headers of every route that publishes. */
export const publishHeaders = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.String({
      pattern: IDEMPOTENCY_KEY.source,
      description:
        'Whatever is sent again with the same key within 24 hours is stored once and answered alike. Counts per credential and channel.',
    }),
  ),
  Prefer: Type.Optional(
    Type.String({
      maxLength: 1000,
      description:
        '`wait=N` (RFC 7240): the answer is held back until a tab has acknowledged the notification, N seconds at most, and at most 30. Only for one notification of one user; ignored with `ttl: 0` and `sendAt`.',
    }),
  ),
  'X-Socket-ID': Type.Optional(
    Type.String({
      pattern: CONNECTION_ID.source,
      description: 'The id of a connection that is left out of the live delivery.',
    }),
  ),
  traceparent: Type.Optional(
    Type.String({
      description:
        'The place in your trace (W3C Trace Context): tabs get it as the field `traceparent`, webhooks as the header. What is none is ignored.',
    }),
  ),
})

export const sequence = Type.Integer({ minimum: 0, description: 'The number in the log of the channel.' })
export const epoch = Type.String({
  description: 'Names one uninterrupted life of the store that gave the number.',
})
export const connections = Type.Integer({
  minimum: 0,
  description: 'Connections that were there when it was stored, over all workers.',
})

/** Headers of an answer to a publish. */
export const publishedHeaders = {
  'Idempotent-Replayed': {
    type: 'string',
    enum: ['true'],
    description: 'This answer is that of an earlier call with the same key.',
  },
}

/** Says what a 2xx answer means. */
export const answer = <Schema extends TSchema>(schema: Schema, description: string, headers?: object) =>
  Object.assign(schema, { description }, headers === undefined ? {} : { headers })
