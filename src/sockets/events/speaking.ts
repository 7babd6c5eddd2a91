import { refuseProto } from '../../core/json/proto.ts'
import { ServiceError } from '../../core/model/errors.ts'
import { MAX_BODY_LENGTH } from '../../core/model/limits.ts'
import type { MessageInput } from '../../core/model/notification.ts'
import { IDEMPOTENCY_KEY, MACHINE_NAME, matches } from '../../core/model/patterns.ts'
import type { Publisher } from '../../core/publishing/publisher.ts'
import { maySpeak } from '../../core/session/grants.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import { TokenBucket } from '../../core/session/token-bucket.ts'
import { fieldsOf, parseRoom, refuse } from './arguments.ts'
import type { Handler } from './handler.ts'

/** The parts and limits of `publish`. */
export interface SpeakingOptions {
  publisher: Publisher
  /** The messages that one connection may publish in a second. */
  maxMessages: number
}

/**
 * The handler of `publish`, by which a tab speaks in a room. A message that is refused counts for the rate as well. After a temporary error,
 * messages that had come before it fail with the same error: each would wait as long, and none may overtake the one before.
 */
export function speaker(tab: TabSession, { publisher, maxMessages }: SpeakingOptions): Handler<'publish'> {
  const rate = new TokenBucket(maxMessages, { burst: 2 * maxMessages })
  let failed: { error: ServiceError; at: number } | undefined
  return async ([name, message, settings], askedAt) => {
    if (!rate.take())
      throw new ServiceError('rate_limited', `a connection may publish ${maxMessages} messages a second`)
    const room = parseRoom(name)
    const input = parseMessage(message)
    const idempotencyKey = parseKey(settings)
    const { user } = tab
    if (user === undefined || !maySpeak(tab, room))
      throw new ServiceError(
        'room_forbidden',
        'neither the token nor a membership lets you speak in this room',
      )
    // Names of backends have no space, so the idempotency keys of tabs and backends are apart.
    const credential = `tab ${user}`
    if (failed !== undefined && askedAt < failed.at) throw failed.error
    try {
      const { id, seq, epoch } = await publisher.message(room, input, { credential, idempotencyKey }, user)
      return { answer: { id, seq, epoch } }
    } catch (error) {
      if (error instanceof ServiceError && error.temporary) failed = { error, at: performance.now() }
      throw error
    }
  }
}

/** Reads a room message. Throws `invalid_request`. */
function parseMessage(value: unknown): MessageInput {
  const { type, body, data } = fieldsOf(value, 'message', ['type', 'body', 'data'])
  const message: MessageInput = {}
  if (type !== undefined) {
    if (typeof type !== 'string' || !matches(MACHINE_NAME, type))
      refuse(`message.type ${MACHINE_NAME.detail}`)
    message.type = type as string
  }
  if (body !== undefined) {
    if (typeof body !== 'string' || [...body].length > MAX_BODY_LENGTH)
      refuse(`message.body must be a string of at most ${MAX_BODY_LENGTH} characters`)
    message.body = body as string
  }
  if (data !== undefined) {
    if (hasBinary(data)) refuse('message.data must be JSON, without binary')
    refuseProto(data, 'message.data')
    message.data = data
  }
  return message
}

function parseKey(settings: unknown): string | undefined {
  const { idempotencyKey } = fieldsOf(settings ?? {}, 'options', ['idempotencyKey'])
  if (idempotencyKey === undefined) return undefined
  if (typeof idempotencyKey !== 'string' || !matches(IDEMPOTENCY_KEY, idempotencyKey))
    refuse(`options.idempotencyKey ${IDEMPOTENCY_KEY.detail}`)
  return idempotencyKey as string
}

/** True if there are bytes anywhere in the data of a packet. Not recursive: it may be nested deeper than the stack. */
function hasBinary(data: unknown): boolean {
  const left = [data]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null) continue
    if (ArrayBuffer.isView(next)) return true
    for (const inner of Object.values(next)) left.push(inner)
  }
  return false
}
