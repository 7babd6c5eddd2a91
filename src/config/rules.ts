/** Rules of the environment that a schema cannot express: each reads its variables, and adds what is wrong with them to `faults`. */

import { availableParallelism } from 'node:os'
import type { ApiKey } from '../core/access/scopes.ts'
import { faultOfId } from '../core/model/channel.ts'
import {
  MAKE_SECRET,
  type Parsed,
  parseApiKeys,
  parseJwtSecrets,
  parsePublicKeys,
  parseWebhookSecrets,
} from './keys.ts'
import type { Environment } from './variables.ts'

/** The keys by which callers and tabs are let in. In development some may be missing, and are made later. */
export interface Credentials {
  apiKeys: readonly ApiKey[]
  /** The first one signs, all are accepted. */
  jwtSecrets: readonly string[]
  /** In PEM. */
  jwtPublicKeys: readonly string[]
  /** The URL of a key set (RFC 7517). */
  jwksUrl: string | undefined
}

/** The engine, and its settings; `commandTimeout` in milliseconds, `replicas` as for `WAIT`. */
export type EngineSettings =
  | { engine: 'embedded'; path: string; durability: 'process' | 'power' }
  | { engine: 'redis'; url: string; prefix: string; commandTimeout: number; replicas: number }

/** The settings of webhooks. */
export interface WebhookSettings {
  /** All of them sign; without one there are no webhooks. */
  secrets: readonly string[]
  /** The URL that they are sent to unless the call names one. */
  url: string | undefined
  /** True if a call may name a URL with plain HTTP, or in a private network. */
  allowPrivate: boolean
}

type TextVariable = 'PUBLIC_URL' | 'JWKS_URL' | 'WEBHOOK_URL'

/** Reads the engine and its settings. */
export function engineOf(env: Environment, faults: string[]): EngineSettings {
  const engine = env.ENGINE ?? (env.REDIS_URL === undefined ? 'embedded' : 'redis')
  if (engine === 'embedded') {
    if (env.WORKERS !== '1')
      faults.push(
        `WORKERS is "${env.WORKERS}", but the embedded engine lives in one process: leave WORKERS out, or set REDIS_URL`,
      )
    if (env.ROLE !== 'all')
      faults.push(
        `ROLE is "${env.ROLE}", but the embedded engine lives in one process: leave ROLE out, or set REDIS_URL`,
      )
    if (env.REDIS_WAIT > 0)
      faults.push(`REDIS_WAIT is ${env.REDIS_WAIT}, but the embedded engine has no replicas: leave it out`)
    return { engine, path: env.DATA, durability: env.DURABILITY }
  }
  if (env.REDIS_URL === undefined)
    faults.push('REDIS_URL is missing: ENGINE=redis needs one, such as redis://127.0.0.1:6379')
  const url = env.REDIS_URL ?? ''
  // The value may hold a password, so it is not repeated.
  if (env.REDIS_URL !== undefined && !isRedisUrl(url))
    faults.push(
      'REDIS_URL must be redis[s]://user:password@host:port/db, several of them by comma for a Cluster, or redis-sentinel://user:password@host:port,host:port/name/db',
    )
  return {
    engine,
    url,
    prefix: env.REDIS_PREFIX,
    commandTimeout: env.REDIS_COMMAND_TIMEOUT,
    replicas: env.REDIS_WAIT,
  }
}

/** The most processes that share a port: more than machines have cores, and fewer than a typing error would start. */
const MOST_WORKERS = 256

/** Reads the number of processes that share the port. */
export function workersOf({ WORKERS }: Environment, faults: string[]): number {
  if (WORKERS === 'auto') return Math.min(availableParallelism(), MOST_WORKERS)
  const count = /^\d+$/.test(WORKERS) ? Number(WORKERS) : 0
  if (count < 1 || count > MOST_WORKERS)
    faults.push(
      `WORKERS is "${WORKERS}", but must be a whole number from 1 to ${MOST_WORKERS}, or auto for one per core`,
    )
  return count
}

const SENTINELS =
  /^redis-sentinel:\/\/(?:[^@/?]*@)?([^@/?]+)\/[^/?]+(?:\/\d*)?(?:\?(?:&?sentinel(?:Username|Password)=[^&]*)*)?$/

function isRedisUrl(url: string): boolean {
  const sentinels = SENTINELS.exec(url)?.[1]
  if (sentinels !== undefined) return sentinels.split(',').every((host) => URL.canParse(`redis://${host}`))
  return url.split(',').every((piece) => URL.canParse(piece) && /^rediss?:\/\/./.test(piece))
}

/** Reads the credentials. */
export function credentialsOf(env: Environment, faults: string[]): Credentials {
  const read = <Value>(name: keyof Environment, parse: (text: string) => Parsed<Value>): Value[] =>
    listOf(env, name, parse, faults)
  return {
    apiKeys: read('API_KEYS', parseApiKeys),
    jwtSecrets: read('JWT_SECRET', parseJwtSecrets),
    jwtPublicKeys: read('JWT_PUBLIC_KEY', parsePublicKeys),
    jwksUrl: urlOf(env, 'JWKS_URL', faults),
  }
}

/** Reads the settings of webhooks. */
export function webhooksOf(env: Environment, faults: string[]): WebhookSettings {
  const secrets = listOf(env, 'WEBHOOK_SECRET', parseWebhookSecrets, faults)
  if (env.WEBHOOK_URL !== undefined && env.WEBHOOK_SECRET === undefined)
    faults.push('WEBHOOK_URL is set, but nothing is sent without WEBHOOK_SECRET: set both or none')
  return { secrets, url: urlOf(env, 'WEBHOOK_URL', faults), allowPrivate: env.WEBHOOK_PRIVATE === 'on' }
}

function listOf<Value>(
  env: Environment,
  name: keyof Environment,
  parse: (text: string) => Parsed<Value>,
  faults: string[],
): Value[] {
  if (env[name] === undefined) return []
  const { values, faults: found } = parse(String(env[name]))
  faults.push(...found.map((fault) => `${name}: ${fault}`))
  if (values.length === 0 && found.length === 0) faults.push(`${name} is empty`)
  return values
}

/** The faults of an environment in which something is missing that production must not start without; each says how to make it. */
export function missingIn(env: Environment): string[] {
  const missing: string[] = []
  if (env.ROLE !== 'worker' && env.API_KEYS === undefined)
    missing.push(
      `API_KEYS is missing: production needs a key for each backend. Make one with: echo "API_KEYS=backend:$(${MAKE_SECRET})"`,
    )
  if (env.JWT_SECRET === undefined && env.JWT_PUBLIC_KEY === undefined && env.JWKS_URL === undefined)
    missing.push(
      `JWT_SECRET is missing (or JWT_PUBLIC_KEY, or JWKS_URL): production must check the tokens of browsers. Make one with: echo "JWT_SECRET=$(${MAKE_SECRET})"`,
    )
  return missing
}

/** Reads an http(s) URL; undefined without one. */
export function urlOf(env: Environment, name: TextVariable, faults: string[]): string | undefined {
  const value = env[name]
  if (value !== undefined && !(URL.canParse(value) && /^https?:\/\//.test(value)))
    faults.push(`${name} is "${value}", but must be a URL that begins with http:// or https://`)
  return value
}

/** Reads the origins of pages that may connect (RFC 6454), or `*`. */
export function originsOf(env: Environment, faults: string[]): string[] {
  const origins = list(env.CORS_ORIGINS)
  for (const origin of origins)
    if (origin !== '*' && !(URL.canParse(origin) && new URL(origin).origin === origin))
      faults.push(
        `CORS_ORIGINS has "${origin}", but an origin is a scheme and a host without a path, such as https://example.com`,
      )
  return origins
}

/** Reads a list of rooms; those of `PUBLIC_ROOMS` may be patterns. */
export function rooms(env: Environment, name: 'PUBLIC_ROOMS' | 'JOIN_ROOMS', faults: string[]): string[] {
  const ids = list(env[name])
  for (const id of ids) {
    const fault = faultOfId(id)
    if (fault !== undefined) faults.push(`${name} has "${id}", which ${fault}`)
    if (name === 'JOIN_ROOMS' && id.endsWith('*'))
      faults.push(`JOIN_ROOMS has "${id}", but takes rooms and no patterns`)
  }
  return ids
}

const TRANSPORTS = ['websocket', 'polling'] as const

/** Reads the transports by which tabs may connect. */
export function transportsOf(env: Environment, faults: string[]): (typeof TRANSPORTS)[number][] {
  const names = list(env.TRANSPORTS)
  const known = TRANSPORTS.filter((transport) => names.includes(transport))
  if (known.length === 0 || known.length !== names.length)
    faults.push(`TRANSPORTS is "${env.TRANSPORTS}", but must be one or both of ${TRANSPORTS.join(',')}`)
  return known
}

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((piece) => piece.trim())
    .filter((piece) => piece !== '')
