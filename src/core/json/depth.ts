import { ServiceError } from '../model/errors.ts'
import { isRawNumber } from './exact-json.ts'

/**
 * How many lists and objects may stand in each other in what somebody sends. What is accepted is read again by code that recurses, here and in
 * pages: none of it may meet what it has no stack for.
 */
export const MAX_DEPTH = 100

/** Throws `invalid_request` if a value is nested deeper than `MAX_DEPTH`. `at`: where the value stands. */
export function refuseDepth(value: unknown, at = ''): void {
  if (isDeeper(value, MAX_DEPTH)) throw tooDeep(at)
}

/** The error that tells of it, also of what is too deep to be parsed. */
export function tooDeep(at = ''): ServiceError {
  const detail = `must be nested at most ${MAX_DEPTH} levels deep`
  return new ServiceError('invalid_request', `${at || 'JSON'} ${detail}`, {
    faults: [{ pointer: at, detail }],
  })
}

/** It looks no deeper than that many levels, so that it has the stack for every value. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}
