import { hash, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { type ApiKey, allows, type Scope } from '../../core/access/scopes.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { ApiTokenVerifier } from './token-verifier.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The name of the caller: the same for all keys and tokens of a caller, so that a rotation changes nothing. */
    credential: string
  }
}

/** Makes the hook that lets only callers with a scope through; others are answered with 401 or 403. */
export type Access = (scope: Scope) => onRequestHookHandler

interface Caller {
  name: string
  scopes: ReadonlySet<Scope>
}

/** RFC 6750 §2.1; the scheme's name is case-insensitive. */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** Makes the check of credentials: API keys are checked in the same turn of the event loop, service tokens once their keys are there. */
export function createAccess(apiKeys: readonly ApiKey[], verifier: ApiTokenVerifier): Access {
  const callerOf = createFinder(apiKeys)
  const admit = (request: FastifyRequest, { name, scopes }: Caller, scope: Scope): void => {
    if (!allows(scopes, scope)) throw new ServiceError('scope_missing', `this route needs the scope ${scope}`)
    request.credential = name
  }
  return (scope) => (request, _reply, done) => {
    let pending: Promise<void> | undefined
    try {
      const token = tokenOf(request.headers.authorization)
      // An API key has no dot, a JWT has two.
      if (token.includes('.'))
        pending = verifier
          .service(token)
          .then(({ name, scopes }) => admit(request, { name: `token:${name}`, scopes }, scope))
      else admit(request, callerOf(request.socket, token), scope)
    } catch (error) {
      done(error as Error)
      return
    }
    if (pending === undefined) done()
    else pending.then(() => done(), done)
  }
}

/** The credential in an Authorization header of the scheme Bearer (RFC 6750 §2.1); undefined if it is of another kind. */
export const bearerOf = (header: string): string | undefined => BEARER.exec(header)?.[1]

function tokenOf(header: string | undefined): string {
  if (header === undefined)
    throw new ServiceError('credential_missing', 'send the header Authorization: Bearer <API key>')
  const token = bearerOf(header)
  if (token === undefined)
    throw new ServiceError('credential_invalid', 'the Authorization header must be: Bearer <API key>')
  return token
}

/** The most keys that are remembered for a connection: a proxy brings those of several callers on one. */
const MAX_REMEMBERED = 8

/**
 * Makes the function that finds the caller of a key which came on this connection, and remembers it for as long as the connection is open:
 * hashing a key anew for each request costs more than routing it. Only keys that are known are remembered. A text is compared with one of them
 * only if it has the same hash in the map, whose seed is random, so that the time it takes reveals nothing about them.
 */
function createFinder(apiKeys: readonly ApiKey[]): (socket: Socket, token: string) => Caller {
  const remembered = new WeakMap<Socket, Map<string, Caller>>()
  return (socket, token) => {
    const callers = remembered.get(socket) ?? new Map<string, Caller>()
    const known = callers.get(token)
    if (known !== undefined) return known
    const caller = findKey(apiKeys, token)
    if (callers.size === MAX_REMEMBERED) callers.clear()
    remembered.set(socket, callers.set(token, caller))
    return caller
  }
}

/** Compares with every key, each in constant time, so that the time reveals nothing about any of them. */
function findKey(apiKeys: readonly ApiKey[], token: string): Caller {
  const sha256 = hash('sha256', token, 'buffer')
  let found: ApiKey | undefined
  for (const key of apiKeys) if (timingSafeEqual(key.sha256, sha256)) found = key
  if (found === undefined) throw new ServiceError('credential_invalid', 'the API key is not known')
  return { name: `key:${found.name}`, scopes: found.scopes }
}
