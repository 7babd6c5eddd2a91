/** The cursor of a list that goes on below the seq `before`, as a text that is opaque to callers, so that its form can change. */
export const encodeInboxCursor = (before: number): string =>
  Buffer.from(JSON.stringify({ before })).toString('base64url')

/** The seq below which a list goes on; undefined if the text is not one of `encodeInboxCursor`. */
export function decodeInboxCursor(text: string): number | undefined {
  let before: unknown
  try {
    before = Object(JSON.parse(Buffer.from(text, 'base64url').toString())).before
  } catch {
    return undefined
  }
  return Number.isSafeInteger(before) && (before as number) > 0 ? (before as number) : undefined
}
