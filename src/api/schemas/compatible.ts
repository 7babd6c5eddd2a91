import { Type } from 'typebox'
import { answer, closed, plainText, socketId } from './common.ts'

/** The fields of a call of the GET API, in the query or as a form. */
export const formFields = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'The user.', examples: ['demo'] }),
    msg: Type.String({ ...plainText, minLength: 1, examples: ['Your export is ready'] }),
    key: Type.Optional(
      Type.String({ description: 'An API key; it may stand in the Authorization header instead.' }),
    ),
  },
  closed,
)

/** The most characters that the name of a channel or an event of Pusher may have. */
const MAX_PUSHER_NAME = 200

/** The most channels of one event, and the most events of one batch. */
const MAX_PUSHER_CHANNELS = 100
const MAX_PUSHER_BATCH = 10

/** A channel, or the one on which Pusher's SDKs speak to a user. */
const channel = Type.String({
  pattern: `^(#server-to-user-.{1,${MAX_PUSHER_NAME}}|[-A-Za-z0-9_=@,.;]{1,${MAX_PUSHER_NAME}})$`,
  description: 'A room of this name; `#server-to-user-<id>` is a user.',
  examples: ['my-channel'],
})

const event = {
  name: Type.String({
    minLength: 1,
    maxLength: MAX_PUSHER_NAME,
    description: 'The `type` of what the tabs get.',
    examples: ['my-event'],
  }),
  data: Type.String({ description: 'JSON, or text.', examples: ['{"message":"hello"}'] }),
  socket_id: Type.Optional(socketId('The connection that is left out.')),
}

/** The body of Pusher's `trigger`: one event for several channels, or for one. */
export const pusherEvent = Type.Object(
  {
    ...event,
    channels: Type.Optional(Type.Array(channel, { minItems: 1, maxItems: MAX_PUSHER_CHANNELS })),
    channel: Type.Optional(channel),
  },
  { ...closed, description: 'Either `channels` or `channel`.' },
)

/** The body of Pusher's `triggerBatch`. */
export const pusherBatch = Type.Object(
  { batch: Type.Array(Type.Object({ ...event, channel }, closed), { maxItems: MAX_PUSHER_BATCH }) },
  closed,
)

/** The path parameters of Pusher's API. */
export const pusherParams = Type.Object({
  app: Type.String({ description: 'The `app_id`.', examples: ['1'] }),
})

/** The query of every call of Pusher's API: its signature. */
export const pusherQuery = Type.Object(
  {
    auth_key: Type.String(),
    auth_timestamp: Type.String({ pattern: '^\\d{1,15}$', description: 'Seconds since the epoch.' }),
    auth_version: Type.Unsafe<string>({ type: 'string', enum: ['1.0'] }),
    auth_signature: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'HMAC-SHA256, in hexadecimal.' }),
    body_md5: Type.String({ pattern: '^[0-9a-f]{32}$' }),
  },
  closed,
)

/** The answer to every call of Pusher's API. */
export const pusherAnswer = answer(Type.Object({}), 'Stored, and delivered to the tabs.')
