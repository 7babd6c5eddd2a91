/** Where a list of notifications goes on, as text that is opaque to callers, so that it can change: below this seq. */
export const encodeInboxCursor = (before: number): string =>
  Buffer.from(JSON.stringify({ before })).toString('base64url')

/** The seq below which a list goes on; undefined if the text was not made by `encodeInboxCursor`. */
export function decodeInboxCursor(text: string): number | undefined {
  let before: unknown
  try {
    before = Object(JSON.parse(Buffer.from(text, 'base64url').toString())).before
  } catch {
    return undefined
  }
  return Number.isSafeInteger(before) && (before as number) > 0 ? (before as number) : undefined
}
