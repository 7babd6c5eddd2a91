import { refuseDepth } from '../json/depth.ts'
import { roomChannel } from '../model/channel.ts'
import { refuseFaults } from '../model/errors.ts'
import { faultsOfMessage, type MessageInput } from '../model/notification.ts'
import type { Draft } from '../model/publication.ts'
import { assemble, idempotencyOf, iso, type PublishOptions, traced } from './draft.ts'

/** The draft of a message for a room. `from`: the id of the user who sends it, if a page does. Throws `invalid_request`. */
export function draftMessage(
  room: string,
  input: MessageInput,
  options: PublishOptions,
  from: string | undefined,
): Draft {
  const { type = 'message', body, data } = input
  refuseDepth(data, '/data')
  const said = JSON.stringify({ room, type, from, body, data })
  refuseFaults(faultsOfMessage(input, said, options.maxDataBytes))
  const content = traced(said, options)
  const createdAt = Date.now()
  const stamp = `,"createdAt":"${iso(createdAt)}"`
  const idempotency = idempotencyOf(options, () => said)
  return assemble(roomChannel(room), 'message', options, { content, idempotency, createdAt, stamp })
}
