import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { tooDeep } from '../../core/json/depth.ts'
import { isRawNumber, parseExact } from '../../core/json/exact-json.ts'
import { MAY_NAME_PROTO, refuseProto } from '../../core/json/proto.ts'
import { ServiceError } from '../../core/model/errors.ts'

/** Registers the one parser of bodies: JSON and nothing else, with the numbers in `data` as they were written. */
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

/** Throws `unsupported_media_type` for another charset, since JSON is UTF-8 (RFC 8259 §8.1), and for a compressed body. */
function refuseEncodings(headers: IncomingHttpHeaders): void {
  const charset = /;\s*charset="?([^";\s]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8'
  const packing = headers['content-encoding'] ?? 'identity'
  if (!/^utf-?8$/i.test(charset))
    throw new ServiceError('unsupported_media_type', `the charset ${charset} is not utf-8`)
  if (packing.toLowerCase() !== 'identity')
    throw new ServiceError(
      'unsupported_media_type',
      `a body with Content-Encoding: ${packing} is not supported: send it uncompressed`,
    )
}

/** Parses a body; undefined if it is empty. Throws `malformed_json`, or `invalid_request` for what no route takes. */
export function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined
  // Decoding would silently put U+FFFD in the place of bytes that are not UTF-8.
  if (!isUtf8(body)) throw new ServiceError('malformed_json', 'the body is not valid UTF-8')
  const text = body.toString()
  const value = parse(text)
  if (typeof value !== 'object' || value === null || isRawNumber(value))
    throw new ServiceError('invalid_request', 'the body must be a JSON object', {
      faults: [{ pointer: '', detail: 'must be a JSON object' }],
    })
  if (MAY_NAME_PROTO.test(text)) refuseProto(value)
  return value
}

function parse(text: string): unknown {
  try {
    return parseExact(text, 'data')
  } catch (error) {
    if (error instanceof SyntaxError) throw new ServiceError('malformed_json', error.message)
    if (error instanceof RangeError) throw tooDeep()
    throw error
  }
}
