/** The functions of the TC39 proposal "JSON.parse source text access", which TypeScript's types do not know yet. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
  isRawJSON(value: unknown): boolean
}
const { parse, rawJSON, isRawJSON } = JSON as unknown as ExactJson

/**
 * A number that a double may not hold: sixteen digits and points, an exponent, or -0. The length of a match is bounded, so that no text can
 * make the search slow.
 */
const SUSPICIOUS = /\d[\d.]{15}|\d[eE]|-0/

/**
 * Parses JSON so that `JSON.stringify` writes every number as it was sent: `9007199254740993` and `1e400` become raw JSON instead of another
 * number. With `exactBelow`, only numbers below fields of this name are kept so; all others become ordinary numbers, however many digits they
 * were written with. Throws a `SyntaxError` if the text is not JSON (RFC 8259).
 */
export function parseExact(text: string, exactBelow?: string): unknown {
  if (!SUSPICIOUS.test(text)) return JSON.parse(text)
  const exact = parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !survives(value, source) ? rawJSON(source) : value,
  )
  if (exactBelow !== undefined) roundNumbers(exact, exactBelow)
  return exact
}

/** A number that `JSON.stringify` writes with these digits. Throws a `SyntaxError` if they are not a JSON number. */
export const rawNumber = (digits: string): unknown => rawJSON(digits)

/** True if a parsed value is a number that is kept as text. */
export const isRawNumber = (value: unknown): boolean => isRawJSON(value)

/**
 * Replaces numbers that are kept as text by ordinary ones, except below fields of this name. Changes the value; a number that is too large
 * for a double becomes `Infinity`.
 */
function roundNumbers(value: unknown, exactBelow: string): void {
  if (typeof value !== 'object' || value === null) return
  const holder = value as Record<string, unknown>
  for (const [key, part] of Object.entries(holder)) {
    if (key === exactBelow) continue
    // Adding 0 turns -0 into 0.
    if (isRawNumber(part)) holder[key] = Number((part as { rawJSON: string }).rawJSON) + 0
    else roundNumbers(part, exactBelow)
  }
}

/** True if a number is the same when it is written again; `1.0` and `1e2` may be written as `1` and `100`. */
function survives(value: number, source: string): boolean {
  // 33.333333333333336 has more than 15 digits, and is still the very number that a program meant.
  if (String(value) === source) return true
  if (Object.is(value, -0) || !Number.isFinite(value)) return false
  if (value === 0) return !/[1-9]/.test(source.replace(/[eE].*$/, ''))
  if (Number.isSafeInteger(value)) return !/[.eE]/.test(source) || isExactInteger(source)
  const digits = source
    .replace(/[eE].*$/, '')
    .replace(/\D/g, '')
    .replace(/^0+/, '')
  return digits.length <= 15
}

/** True if a text with a point or an exponent is an integer of few enough digits to be exact as a double. */
function isExactInteger(source: string): boolean {
  return (
    source
      .replace(/[eE].*$/, '')
      .replace(/\D/g, '')
      .replace(/^0+|0+$/g, '').length <= 15
  )
}
