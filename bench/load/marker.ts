/**
 * A text within every body that is posted, with the time at which it was due. Whoever hears it knows how long it took, and a frame with
 * two of them counts twice.
 */
const NAME = 'bench-due-'
const DIGITS = 16
const PATTERN = Buffer.from(NAME)

/** The text that bodies have before a time is written into it. */
export const MARKER = NAME.padEnd(NAME.length + DIGITS, '0')

/** The place of the digits in a request, or -1 if it has none. */
export function placeOfTime(request: Buffer): number {
  const at = request.indexOf(PATTERN)
  return at < 0 ? -1 : at + NAME.length
}

/** Writes microseconds into a request, at the place that `placeOfTime` gave. */
export function writeTime(request: Buffer, place: number, microseconds: number): void {
  let rest = Math.round(microseconds)
  for (let at = place + DIGITS - 1; at >= place; at--) {
    request[at] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}

/** Calls back with the time of each marker between `start` and `end`; 0 if none was written. */
export function eachTime(
  chunk: Buffer,
  start: number,
  end: number,
  found: (microseconds: number) => void,
): void {
  for (let at = chunk.indexOf(PATTERN, start); at >= 0 && at < end; at = chunk.indexOf(PATTERN, at)) {
    at += NAME.length
    let time = 0
    for (const last = at + DIGITS; at < last; at++) time = time * 10 + chunk[at]! - 0x30
    found(time)
  }
}
