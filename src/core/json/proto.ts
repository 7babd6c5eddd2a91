import { ServiceError } from '../model/errors.ts'

/** Matches every JSON text that may have `__proto__` as a key: the key itself, or an escape that may hide one of its characters. */
export const MAY_NAME_PROTO = /__proto__|\\u00[567]/

/**
 * Throws `invalid_request` if `__proto__` is a key anywhere in a value: harmless here, but not to pages that copy a payload into objects of
 * their own. `at`: the JSON Pointer (RFC 6901) of the value. Not recursive, since the value may nest deeply.
 */
export function refuseProto(outermost: unknown, at = ''): void {
  const stack: { value: unknown; pointer: string }[] = [{ value: outermost, pointer: at }]
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, pointer } = next
    if (typeof value !== 'object' || value === null) continue
    if (Object.hasOwn(value, '__proto__'))
      throw new ServiceError('invalid_request', `${pointer}/__proto__ is not allowed as a name`, {
        faults: [{ pointer: `${pointer}/__proto__`, detail: 'is not allowed as a name' }],
      })
    for (const [key, inner] of Object.entries(value))
      stack.push({ value: inner, pointer: `${pointer}/${escapePointer(key)}` })
  }
}

/** Escapes a key as one step of a JSON Pointer (RFC 6901). */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
