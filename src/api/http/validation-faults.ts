import type { FastifySchemaValidationError } from 'fastify'
import { escapePointer } from '../../core/json/proto.ts'
import { type Fault, ServiceError } from '../../core/model/errors.ts'
import { PATTERN_DETAILS } from '../schemas/common.ts'

const HEADERS: Record<string, string> = {
  '/idempotency-key': 'Idempotency-Key',
  '/x-socket-id': 'X-Socket-ID',
  '/prefer': 'Prefer',
}

/** The detail of a fault in a field that must be a time. */
export const NO_TIME = 'must be a time such as 2026-11-21T09:00:00Z'

type Part = 'body' | 'params' | 'querystring' | 'headers'

/** Makes the error for what a schema has refused in this part of a request, with a pointer to each field. */
export function validationError(errors: readonly FastifySchemaValidationError[], part: Part): ServiceError {
  return refusal(
    'invalid_request',
    errors.map((error) => faultOf(error, part)),
  )
}

/** Makes an error whose detail repeats its faults, for callers that look no further. */
export function refusal(code: 'invalid_request' | 'unsupported_field', faults: Fault[]): ServiceError {
  const detail = faults.map(({ pointer, detail }) => `${pointer || 'the body'} ${detail}`).join('; ')
  return new ServiceError(code, detail, { faults })
}

function faultOf(error: FastifySchemaValidationError, part: Part): Fault {
  const { keyword, instancePath, params, message = 'is not valid' } = error
  if (keyword === 'additionalProperties')
    return at(`${instancePath}/${escapePointer(String(params.additionalProperty))}`, 'is not a known field')
  if (keyword === 'required')
    return at(`${instancePath}/${escapePointer(String(params.missingProperty))}`, 'is required')
  if (keyword === 'enum')
    return at(instancePath, `must be one of ${(params.allowedValues as unknown[]).join(', ')}`)
  const detail = PATTERN_DETAILS[String(params.pattern)] ?? wordsFor(keyword, params, instancePath) ?? message
  return at((part === 'headers' && HEADERS[instancePath]) || instancePath, detail)
}

/** The rule of a keyword of JSON Schema in plain words; undefined where the validator's own are good enough. */
function wordsFor(
  keyword: string,
  { type, format, limit }: Record<string, unknown>,
  path: string,
): string | undefined {
  if (keyword === 'type' && type === 'object' && path === '') return 'must be a JSON object'
  if (keyword === 'type' && typeof type === 'string')
    return `must be ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
  if (keyword === 'format' && format === 'date-time') return NO_TIME
  if (keyword === 'uniqueItems') return 'must not have the same item twice'
  const [most, unit] = COUNTS[keyword] ?? []
  return unit && `must have at ${most} ${limit} ${unit}${limit === 1 ? '' : 's'}`
}

const COUNTS: Record<string, [most: string, unit: string]> = {
  minLength: ['least', 'character'],
  maxLength: ['most', 'character'],
  minItems: ['least', 'item'],
  maxItems: ['most', 'item'],
}

const at = (pointer: string, detail: string): Fault => ({ pointer, detail })
