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

/** The option of an object that has its fields and no others. */
export const closed = { additionalProperties: false } as const

/** An id of a user or a room. `wantId` checks what a schema cannot express. */
export const id = (description: string, example: string) =>
  Type.String({ minLength: 1, maxLength: MAX_ID_LENGTH, description, examples: [example] })

/** The path parameters of a user. */
export const userParams = Type.Object({ user: id('The user, percent-encoded.', 'demo') })

/** The path parameters of a room. */
export const roomParams = Type.Object({ room: id('The room, percent-encoded.', 'lobby') })

/** The detail of a fault for each pattern, since a validator shows only the regular expression. */
export const PATTERN_DETAILS: Readonly<Record<string, string>> = Object.fromEntries(
  PATTERNS.map(({ source, detail }) => [source, detail]),
)

/** A link that may be opened by a click: http(s), or a path of this origin; neither a script nor a foreign host in disguise. */
export const link = (description: string) =>
  Type.String({
    maxLength: 2048,
    pattern: LINK.source,
    description: `${description} An http(s) URL, or a path that begins with one slash.`,
  })

/** A machine name to filter by. */
export const machineNameFilter = (description: string) =>
  Type.String({ pattern: MACHINE_NAME.source, description })

/** A machine name with the default `message`, such as a `type`. */
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

/** A path parameter that is the id of a notification, or its tag. */
export const idOrTag = (example: string) =>
  Type.String({
    pattern: ID_OR_TAG.source,
    description: 'The id of a notification, or its tag.',
    examples: [example],
  })

/** The id of a notification (RFC 9562). */
export const uuid = Type.String({ pattern: UUID.source, description: 'The id of a notification.' })

/** The path parameters of one notification of a user. */
export const itemParams = (example: string) =>
  Type.Object({ user: id('The user, percent-encoded.', 'demo'), idOrTag: idOrTag(example) })

/** The same for a notification that may not exist yet, so that only a tag can name it. */
export const tagParams = (example: string) =>
  Type.Object({
    user: id('The user, percent-encoded.', 'demo'),
    idOrTag: tag('The tag. An id is refused: the server gives those.', example),
  })

/** A text without markup. */
export const plainText = Type.String({ maxLength: MAX_BODY_LENGTH, description: 'Plain text.' })

/** The payload for the page's own code. */
export const data = Type.Unknown({
  description: `Any JSON of at most 16 KB and ${MAX_DEPTH} levels, for the page's own code; arrives exactly as it was sent.`,
})

/** The id of a connection, as callers of Pusher's API write it. */
export const socketId = (description: string) =>
  Type.String({ pattern: PUSHER_SOCKET_ID.source, description })

/** The headers of every route that publishes. */
export const publishHeaders = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.String({
      pattern: IDEMPOTENCY_KEY.source,
      description:
        'A call that is repeated with the same key within 24 hours is stored once, and gets the same answer. Counts per credential and channel.',
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
        'The place in your trace (W3C Trace Context): tabs get it as the field `traceparent`, webhooks as the header. One that is not valid is ignored.',
    }),
  ),
})

/** The sequence number of an entry in the log of its channel. */
export const sequence = Type.Integer({ minimum: 0, description: 'The number in the log of the channel.' })

/** The epoch of a sequence number. */
export const epoch = Type.String({
  description: 'Names one uninterrupted run of the store that gave the number.',
})

/** The number of connections that a publish was sent to. */
export const connections = Type.Integer({
  minimum: 0,
  description: 'Connections that were there when it was stored, over all workers.',
})

/** The headers of an answer to a publish. */
export const publishedHeaders = {
  'Idempotent-Replayed': {
    type: 'string',
    enum: ['true'],
    description: 'This answer is that of an earlier call with the same key.',
  },
}

/** Adds to the schema of a 2xx answer what it means, and its headers. */
export const answer = <Schema extends TSchema>(schema: Schema, description: string, headers?: object) =>
  Object.assign(schema, { description }, headers === undefined ? {} : { headers })
