import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '../../core/model/errors.ts'

/** The credentials that a Pusher SDK is configured with. */
export interface PusherCredentials {
  appId: string
  key: string
  secret: string
}

/** The most that the clock of a sender may differ from ours, in seconds, as on Pusher. */
export const MAX_PUSHER_AGE = 600

/** A call as it was signed. */
export interface SignedCall {
  method: string
  /** Without the query. */
  path: string
  query: Readonly<Record<string, string>>
  body: Buffer
}

/** Checks a call as Pusher's HTTP API does (its page "Authentication"). Throws `credential_invalid`, which says what is wrong. */
export function checkPusherSignature(call: SignedCall, { key, secret }: PusherCredentials): void {
  const { auth_key, auth_timestamp, auth_signature, body_md5 } = call.query
  const refuse = (detail: string): never => {
    throw new ServiceError('credential_invalid', detail)
  }
  if (auth_key !== key) refuse('auth_key is not the key of this app')
  const age = Math.abs(Date.now() / 1000 - Number(auth_timestamp))
  // The sender's time is rounded down to a second.
  if (!(age < MAX_PUSHER_AGE + 1))
    refuse(`auth_timestamp is more than ${MAX_PUSHER_AGE} s away from the time here: check the clocks`)
  const expected = createHmac('sha256', secret).update(signedText(call)).digest()
  const given = Buffer.from(auth_signature ?? '', 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    refuse('auth_signature does not match: check the secret')
  if (createHash('md5').update(call.body).digest('hex') !== body_md5)
    refuse('body_md5 is not that of the body')
}

/** The text that is signed: method, path, and all parameters but the signature, decoded and in the order of their names. */
function signedText({ method, path, query }: SignedCall): string {
  const parameters = Object.keys(query)
    .filter((name) => name !== 'auth_signature')
    .sort()
    .map((name) => `${name.toLowerCase()}=${query[name]}`)
  return [method, path, parameters.join('&')].join('\n')
}
