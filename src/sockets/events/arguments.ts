import { faultOfId } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { SubscribeOptions } from '../../core/model/events.ts'
import type { Cursor } from '../../core/model/position.ts'
import type { ConnectCursors } from '../../core/session/enter.ts'

/** The most messages that `last` may ask for. */
const MAX_LAST = 1000

type Fields = Record<string, unknown>

/** Throws `invalid_request` with this detail. */
export const refuse = (detail: string): never => {
  throw new ServiceError('invalid_request', detail)
}

/** Returns the fields of an object that has no others than the allowed ones. Throws `invalid_request`, which calls the value `name`. */
export function fieldsOf(value: unknown, name: string, allowed: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${name} must be an object`)
  const unknown = Object.keys(value as Fields).find((key) => !allowed.includes(key))
  if (unknown !== undefined) refuse(`${name}.${unknown} is not a known field`)
  return value as Fields
}

function parseCursor(value: unknown, name: string, others: readonly string[] = []): Cursor {
  const { seq, epoch } = fieldsOf(value, name, ['seq', 'epoch', ...others])
  const cursor: Cursor = {}
  if (seq !== undefined) {
    if (!Number.isSafeInteger(seq) || (seq as number) < 0)
      refuse(`${name}.seq must be an integer of at least 0`)
    cursor.seq = seq as number
  }
  if (epoch !== undefined) {
    if (typeof epoch !== 'string' || epoch.length > 100)
      refuse(`${name}.epoch must be a string of at most 100 characters`)
    if (seq === undefined) refuse(`${name}.epoch needs ${name}.seq`)
    cursor.epoch = epoch as string
  }
  return cursor
}

/** Reads the id of a room. Throws `invalid_request`. */
export function parseRoom(value: unknown): string {
  const fault = faultOfId(value)
  if (fault !== undefined) refuse(`the room ${fault}`)
  return value as string
}

/** Reads a token. Throws `invalid_request`. */
export function parseToken(value: unknown): string {
  if (typeof value !== 'string' || value === '') refuse('the token must be a string')
  return value as string
}

/** Reads `auth.since` of a CONNECT; undefined without one. Throws `invalid_request`. */
export function parseConnectCursors(value: unknown): ConnectCursors | undefined {
  if (value === undefined || value === null) return undefined
  const user = parseCursor(value, 'since', ['rooms'])
  const rooms = new Map<string, Cursor>()
  const { rooms: given = {} } = value as { rooms?: unknown }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    refuse('since.rooms must be an object')
  for (const [room, cursor] of Object.entries(given as Fields))
    rooms.set(parseRoom(room), parseCursor(cursor, `since.rooms[${JSON.stringify(room)}]`))
  return { user, rooms }
}

/** Reads the options of `subscribe`. Throws `invalid_request`. */
export function parseSubscribeOptions(value: unknown): SubscribeOptions {
  if (value === undefined || value === null) return {}
  const { since, last, token, presence } = fieldsOf(value, 'options', ['since', 'last', 'token', 'presence'])
  const options: SubscribeOptions = {}
  if (presence !== undefined) {
    if (typeof presence !== 'boolean') refuse('options.presence must be true or false')
    options.presence = presence as boolean
  }
  if (since !== undefined) options.since = parseCursor(since, 'options.since')
  if (token !== undefined) options.token = parseToken(token)
  if (last !== undefined) {
    if (!Number.isSafeInteger(last) || (last as number) < 0 || (last as number) > MAX_LAST)
      refuse(`options.last must be an integer from 0 to ${MAX_LAST}`)
    if (since !== undefined) refuse('options has both since and last; only one of them can be')
    options.last = last as number
  }
  return options
}
