import type { FastifySchemaValidationError } from 'fastify'
import { type Fault, ServiceError } from '../core/errors.ts'
import { escapePointer } from './json-body.ts'
import { PATTERN_DETAILS } from './schemas/common.ts'

/** Fields that a notification will have; until then they are refused and never ignored. */
const LATER = ['/sendAt']

const HEADERS: Record<string, string> = {
  '/idempotency-key': 'Idempotency-Key',
  '/x-socket-id': 'X-Socket-ID',
}

type Part = 'body' | 'params' | 'querystring' | 'headers'

/** What a schema refused, as an error that points to each field. */
export function validationError(errors: readonly FastifySchemaValidationError[], part: Part): ServiceError {
  const unsupported: Fault[] = []
  const faults: Fault[] = []
  for (const error of errors) {
    const fault = faultOf(error, part)
    if (part === 'body' && error.keyword === 'additionalProperties' && LATER.includes(fault.pointer))
      unsupported.push({ ...fault, detail: 'is not supported yet' })
    else faults.push(fault)
  }
  return faults.length > 0
    ? refusal('invalid_request', [...faults, ...unsupported])
    : refusal('unsupported_field', unsupported)
}

/** An error whose detail repeats its faults, for callers that look no further. */
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
  const detail = PATTERN_DETAILS[String(params.pattern)] ?? message
  return at((part === 'headers' && HEADERS[instancePath]) || instancePath, detail)
}

const at = (pointer: string, detail: string): Fault => ({ pointer, detail })
