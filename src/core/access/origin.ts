import type { IncomingMessage } from 'node:http'

/** The pages that may connect: a list of origins (`*` for all), and perhaps every page on this machine. */
export interface OriginPolicy {
  origins: readonly string[]
  /** Pages on a loopback address may connect as well: for development. */
  loopback: boolean
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * True if a request may connect, by its `Origin` (RFC 6454). A request without one does not come from a page. CORS alone would not
 * stop a WebSocket from a foreign page, so this is checked on both transports.
 */
export function mayConnect(
  { headers }: Pick<IncomingMessage, 'headers'>,
  { origins, loopback }: OriginPolicy,
): boolean {
  const { origin, host } = headers
  if (origin === undefined || origins.includes('*') || origins.includes(origin)) return true
  if (!URL.canParse(origin)) return false
  const url = new URL(origin)
  return url.host === host || (loopback && LOOPBACK.test(url.hostname))
}
