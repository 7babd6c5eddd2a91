import { INBOX_STATUSES, type InboxQuery, STATES, type State, type Status } from '../../core/engine/inbox.ts'
import type { MarkInput } from '../../core/inbox/inboxes.ts'
import { decodeInboxCursor } from '../../core/inbox/page-cursor.ts'
import {
  DEFAULT_INBOX_PAGE,
  MAX_CATEGORY_LENGTH,
  MAX_INBOX_PAGE,
  MAX_MARKED_IDS,
} from '../../core/model/limits.ts'
import { MACHINE_NAME, matches, TAG, UUID } from '../../core/model/patterns.ts'
import { fieldsOf, refuse } from './arguments.ts'

/** RFC 3339 §5.6. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

/** Reads the options of `inbox`. Throws `invalid_request`. */
export function parseInboxQuery(value: unknown): InboxQuery {
  const given = fieldsOf(value ?? {}, 'options', ['status', 'category', 'type', 'tag', 'limit', 'cursor'])
  const { limit = DEFAULT_INBOX_PAGE, cursor } = given
  if (!Number.isSafeInteger(limit) || (limit as number) < 1 || (limit as number) > MAX_INBOX_PAGE)
    refuse(`options.limit must be an integer from 1 to ${MAX_INBOX_PAGE}`)
  const before = typeof cursor === 'string' ? decodeInboxCursor(cursor) : undefined
  if (cursor !== undefined && before === undefined)
    refuse('options.cursor is not a nextCursor of this server')
  return {
    status: textOf(given, 'status', isStatus, `must be one of ${INBOX_STATUSES.join(', ')}`) as
      | Status
      | undefined,
    category: textOf(
      given,
      'category',
      isCategory,
      `must be a string of 1 to ${MAX_CATEGORY_LENGTH} characters`,
    ),
    type: textOf(given, 'type', (type) => matches(MACHINE_NAME, type), MACHINE_NAME.detail),
    tag: textOf(given, 'tag', (tag) => matches(TAG, tag), TAG.detail),
    limit: limit as number,
    before,
  }
}

const isStatus = (text: string): boolean => (INBOX_STATUSES as readonly string[]).includes(text)
const isCategory = (text: string): boolean =>
  text !== '' && text.isWellFormed() && [...text].length <= MAX_CATEGORY_LENGTH

function textOf(
  given: Record<string, unknown>,
  name: string,
  isRight: (text: string) => boolean,
  rule: string,
): string | undefined {
  const value = given[name]
  if (value !== undefined && (typeof value !== 'string' || !isRight(value))) refuse(`options.${name} ${rule}`)
  return value as string | undefined
}

/** Reads the argument of `mark`. Throws `invalid_request`. */
export function parseMark(value: unknown): MarkInput {
  const given = fieldsOf(value, 'mark', ['ids', 'all', 'before', ...STATES])
  const [state, ...others] = STATES.filter((name) => given[name] !== undefined)
  if (state === undefined || others.length > 0 || typeof given[state] !== 'boolean')
    refuse(`mark must have exactly one of ${STATES.join(', ')}, and it must be true or false`)
  const input = { state: state as State, value: given[state as State] as boolean }
  const { ids, all, before } = given
  if (all === undefined) return { ...input, ids: parseIds(ids, before) }
  if (all !== true) refuse('mark.all must be true')
  if (ids !== undefined) refuse('mark has both ids and all; only one of them can be')
  return before === undefined ? input : { ...input, before: parseTime(before) }
}

function parseIds(ids: unknown, before: unknown): string[] {
  if (before !== undefined) refuse('mark.before needs mark.all')
  if (!Array.isArray(ids) || ids.length > MAX_MARKED_IDS)
    refuse(`mark must have all: true, or ids with a list of at most ${MAX_MARKED_IDS}`)
  return (ids as unknown[]).map((id) => {
    if (typeof id !== 'string' || !matches(UUID, id)) refuse('mark.ids must be UUIDs')
    // RFC 9562 §4: written in lower case, read in any.
    return (id as string).toLowerCase()
  })
}

function parseTime(before: unknown): string {
  if (typeof before !== 'string' || !TIME.test(before) || Number.isNaN(Date.parse(before)))
    refuse('mark.before must be a time as in RFC 3339')
  return before as string
}

/** Reads the seq of an `ack`; `most` is the last that was sent. Throws `invalid_request`. */
export function parseAcknowledged(value: unknown, most: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    refuse('the seq must be an integer of at least 1')
  if ((value as number) > most) refuse(`the seq must be at most ${most}, which was sent last`)
  return value as number
}
