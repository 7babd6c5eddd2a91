import { ServiceError } from '../model/errors.ts'
import { isRawNumber } from './exact-json.ts'

/**
 * The most lists and objects that may be nested in each other in a value that somebody sends. A value that is accepted is read again by code
 * that recurses, here and in pages, so it must not be deeper than their stacks.
 */
export const MAX_DEPTH = 100

/** Throws `invalid_request` if a value is nested deeper than `MAX_DEPTH`. `at`: the JSON Pointer (RFC 6901) of the value. */
export function refuseDepth(value: unknown, at = ''): void {
  if (isDeeper(value, MAX_DEPTH)) throw tooDeep(at)
}

/** The error for a value that is nested too deeply, or too deeply to be parsed. `at`: the JSON Pointer (RFC 6901) of the value. */
export function tooDeep(at = ''): ServiceError {
  const detail = `must be nested at most ${MAX_DEPTH} levels deep`
  return new ServiceError('invalid_request', `${at || 'JSON'} ${detail}`, {
    faults: [{ pointer: at, detail }],
  })
}

/** Looks no deeper than `levels`, so that it has the stack for every value. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return false
  if (levels === 0) return true
  for (const inner of Object.values(value)) if (isDeeper(inner, levels - 1)) return true
  return false
}
