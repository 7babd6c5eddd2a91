import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { ServiceError } from '../core/errors.ts'
import { isRawNumber, parseExact } from '../core/exact-json.ts'

/** Takes JSON and nothing else as a body, with numbers as they were written. */
export function registerJsonBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, ({ headers }, body, done) => {
    try {
      refuseEncodings(headers)
      done(null, parseBody(body))
    } catch (error) {
      done(error as Error)
    }
  })
}

/** JSON is UTF-8 (RFC 8259 §8.1), and nothing is unpacked here. */
function refuseEncodings(headers: IncomingHttpHeaders): void {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  const packing = headers['content-encoding'] ?? 'identity'
  if (!/^utf-?8$/i.test(charset))
    throw new ServiceError('unsupported_media_type', `the charset ${charset} is not utf-8`)
  if (packing.toLowerCase() !== 'identity')
    throw new ServiceError('unsupported_media_type', `a body with Content-Encoding: ${packing} is not taken`)
}

/** Parses a body; undefined if it is empty. Throws `malformed_json`, or `invalid_request` for what no route takes. */
export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined
  // Decoding would put U+FFFD in the place of what is not UTF-8, and nobody would be told.
  if (!isUtf8(body)) throw new ServiceError('malformed_json', 'the body is not valid UTF-8')
  const text = body.toString()
  const value = parse(text)
  if (typeof value !== 'object' || value === null || isRawNumber(value))
    throw new ServiceError('invalid_request', 'the body must be an object', {
      faults: [{ pointer: '', detail: 'must be an object' }],
    })
  if (MAY_NAME_PROTO.test(text)) refuseProto(value)
  return value
}

function parse(text: string): unknown {
  try {
    return parseExact(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new ServiceError('malformed_json', error.message)
    if (error instanceof RangeError)
      throw new ServiceError('invalid_request', 'the body is nested too deeply for its numbers to be kept')
    throw error
  }
}

/** The key itself, or an escape that may hide one of its characters. */
const MAY_NAME_PROTO = /__proto__|\\u00[567]/

/** Such a key is harmless here, but not to pages that copy what they receive. Not recursive, since a body may nest deeply. */
function refuseProto(body: unknown): void {
  const stack: { value: unknown; pointer: string }[] = [{ value: body, pointer: '' }]
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

/** One step of a JSON Pointer (RFC 6901). */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
