import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import type { PublishOptions } from '../../core/drafts/draft.ts'
import type { MessageInput, NotificationInput } from '../../core/model/notification.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import { notificationBody } from '../schemas/notification.ts'
import { messageBody } from '../schemas/room.ts'
import { parseBody } from './json-body.ts'
import { wantId } from './requests.ts'
import { refusal, validationError } from './validation-faults.ts'

/** Publishes an entry that did not come over HTTP, by the same rules; see `createEntryPublisher`. */
export type EntryPublisher = (fields: ReadonlyMap<string, Buffer>, options: PublishOptions) => Promise<void>

/**
 * Makes the function that publishes an entry: its fields are `user` and `notification`, or `room` and `message`, the second in each case
 * the JSON that a POST has as its body. It may be called when the server is ready, and rejects like the routes.
 */
export function createEntryPublisher(app: FastifyInstance, publisher: Publisher): EntryPublisher {
  const checkNotification = createCheck<NotificationInput & { sendAt?: string }>(app, notificationBody)
  const checkMessage = createCheck<MessageInput>(app, messageBody)
  return async (fields, options) => {
    const [target, content] = namesOf(fields)
    const id = wantId(textOf(fields.get(target)!, target), `/${target}`)
    const body = parseBody(fields.get(content)!)
    if (target === 'room') {
      await publisher.message(id, checkMessage(body), options)
      return
    }
    const { sendAt, ...input } = checkNotification(body)
    // An entry may be read twice, and the second time may be after that time.
    if (sendAt !== undefined)
      throw refusal('unsupported_field', [{ pointer: '/sendAt', detail: 'is only for POST /notify/:user' }])
    await publisher.notify(id, input, options)
  }
}

/** The text of a field. Throws `invalid_request` if it is not UTF-8: decoded all the same, two ids could become one. */
function textOf(bytes: Buffer, field: string): string {
  if (!isUtf8(bytes))
    throw refusal('invalid_request', [{ pointer: `/${field}`, detail: 'must be valid UTF-8' }])
  return bytes.toString()
}

const PAIRS = [
  ['user', 'notification'],
  ['room', 'message'],
] as const

function namesOf(fields: ReadonlyMap<string, Buffer>): (typeof PAIRS)[number] {
  const pair = PAIRS.find((names) => fields.size === 2 && names.every((name) => fields.has(name)))
  if (pair === undefined)
    throw refusal('invalid_request', [
      {
        pointer: '',
        detail: 'must have the fields user and notification, or room and message, and no others',
      },
    ])
  return pair
}

/** Makes the function that checks a value against a schema, as a route does. It compiles at the first call: Fastify can once it is ready. */
function createCheck<Value>(app: FastifyInstance, schema: TSchema): (value: unknown) => Value {
  let validate: ReturnType<NonNullable<FastifyInstance['validatorCompiler']>> | undefined
  return (value) => {
    validate ??= app.validatorCompiler!({ schema, method: 'POST', url: '', httpPart: 'body' })
    if (!validate(value)) throw validationError(validate.errors ?? [], 'body')
    return value as Value
  }
}
