import { refusal } from './validation-faults.ts'

/** The position at which a history goes on: towards older messages, or towards newer ones. */
export type HistoryCursor = { before: number } | { since: number; epoch: string }

/** Writes a cursor as text, which is opaque to callers, so that its form can change. */
export const encodeCursor = (cursor: HistoryCursor): string =>
  Buffer.from(JSON.stringify(cursor)).toString('base64url')

/** Reads a cursor. Throws `invalid_request` for text that `encodeCursor` did not write. */
export function decodeCursor(text: string): HistoryCursor {
  const cursor = parse(text)
  const { before, since, epoch } = cursor
  // Nothing is older than the first message, so no page ends with this cursor.
  if (isSeq(before) && before > 0) return { before }
  if (isSeq(since) && typeof epoch === 'string') return { since, epoch }
  throw refuse()
}

function parse(text: string): Partial<Record<'before' | 'since' | 'epoch', unknown>> {
  try {
    return Object(JSON.parse(Buffer.from(text, 'base64url').toString()))
  } catch (error) {
    if (error instanceof SyntaxError) throw refuse()
    throw error
  }
}

const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const refuse = () =>
  refusal('invalid_request', [{ pointer: '/cursor', detail: 'is not a nextCursor of this server' }])
