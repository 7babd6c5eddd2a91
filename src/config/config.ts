import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { envSchema } from 'env-schema'
import type { Retention } from '../core/engine/engine.ts'
import { OperatorError } from '../core/model/errors.ts'
import { type BridgeSettings, bridgesOf } from './bridges.ts'
import { type CompatibleSettings, compatibleOf } from './compatible.ts'
import {
  type Credentials,
  credentialsOf,
  type EngineSettings,
  engineOf,
  missingIn,
  originsOf,
  rooms,
  transportsOf,
  urlOf,
  type WebhookSettings,
  webhooksOf,
  workersOf,
} from './rules.ts'
import { type Environment, environmentSchema, VARIABLES } from './variables.ts'

/** The part that a process plays: `api` takes HTTP in, `worker` has the sockets, `all` is both. */
export type Role = 'api' | 'worker' | 'all'

/** The configuration: checked, complete and frozen. */
export interface Config {
  development: boolean
  role: Role
  /** The number of processes that share the port. */
  workers: number
  host: string
  port: number
  /** The URL at which the outside reaches this server, without a slash at its end. */
  publicUrl: string | undefined
  engine: EngineSettings
  /** The directory for files of this installation; undefined if it keeps none. */
  directory: string | undefined
  retention: { user: Retention; room: Retention }
  credentials: Credentials
  webhooks: WebhookSettings
  origin: { origins: readonly string[]; loopback: boolean }
  policy: { publicRooms: readonly string[]; joinRooms: readonly string[] }
  /** True if connections without a token may enter public rooms. */
  anonymous: boolean
  bridges: BridgeSettings
  compatible: CompatibleSettings
  sockets: {
    path: string
    transports: readonly ('polling' | 'websocket')[]
    pingInterval: number
    pingTimeout: number
    maxMessageBytes: number
    maxRooms: number
    maxMessages: number
    maxBacklog: number
    maxConnects: number
    maxPerUser: number
  }
  maxBodyBytes: number
  maxWaitingPublishes: number
  drainSeconds: number
  logLevel: NonNullable<Environment['LOG_LEVEL']>
}

/** The error for an environment that is not valid. */
export class ConfigError extends OperatorError {
  /** Everything that is wrong, one line each. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Reads the configuration. Throws one `ConfigError`, which names every fault and its cure. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const faults: string[] = []
  const given = readFiles(env, faults)
  const config = toConfig(check(given, faults), faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return deepFreeze(config)
}

/** The variables that are set, with secrets read from their files. An empty one counts as not set: Compose passes those on. */
function readFiles(
  env: Readonly<Record<string, string | undefined>>,
  faults: string[],
): Record<string, string> {
  const given: Record<string, string> = {}
  for (const { name, secret } of VARIABLES) {
    const value = env[name]?.trim()
    const file = secret ? env[`${name}_FILE`] : undefined
    if (value && file) faults.push(`${name} and ${name}_FILE are both set: keep one`)
    else if (value) given[name] = value
    else if (file) {
      try {
        const content = readFileSync(file, 'utf8').trim()
        if (content === '') faults.push(`${name}_FILE names a file that is empty`)
        else given[name] = content
      } catch (error) {
        faults.push(`${name}_FILE cannot be read: ${(error as Error).message}`)
      }
    }
  }
  return given
}

interface SchemaFault {
  instancePath: string
  message?: string
  params: { allowedValues?: string[] }
}

/** Checks the variables against the schema. Those that it refuses are noted and left out, so that the other rules can still be checked. */
function check(given: Record<string, string>, faults: string[]): Environment {
  const accepted = { ...given }
  try {
    return validate(accepted)
  } catch (error) {
    const { errors } = error as { errors?: SchemaFault[] }
    if (errors === undefined) throw error
    for (const { instancePath, message, params } of errors) {
      const name = instancePath.slice(1)
      if (!delete accepted[name] || given[name] === undefined) throw error
      const wanted = params.allowedValues ? `must be one of ${params.allowedValues.join(', ')}` : message
      faults.push(`${name} is "${given[name]}", but ${wanted}`)
    }
    return validate(accepted)
  }
}

const validate = (given: Record<string, string>): Environment =>
  envSchema<Environment>({ schema: environmentSchema, data: given, env: false })

function toConfig(env: Environment, faults: string[]): Config {
  const development = env.NODE_ENV !== 'production'
  const credentials = credentialsOf(env, faults)
  if (!development) faults.push(...missingIn(env))
  const joinRooms = rooms(env, 'JOIN_ROOMS', faults)
  if (joinRooms.length > env.MAX_ROOMS_PER_CONNECTION)
    faults.push('JOIN_ROOMS names more rooms than MAX_ROOMS_PER_CONNECTION allows')
  const engine = engineOf(env, faults)
  return {
    development,
    role: env.ROLE,
    workers: workersOf(env, faults),
    host: env.HOST ?? (development ? '127.0.0.1' : '0.0.0.0'),
    port: env.PORT,
    publicUrl: urlOf(env, 'PUBLIC_URL', faults)?.replace(/\/$/, ''),
    engine,
    directory: env.DATA === ':memory:' ? undefined : dirname(env.DATA),
    retention: {
      user: { count: env.RETENTION_COUNT, seconds: env.RETENTION_SECONDS },
      room: { count: env.ROOM_RETENTION_COUNT, seconds: env.ROOM_RETENTION_SECONDS },
    },
    credentials,
    webhooks: webhooksOf(env, faults),
    origin: {
      origins: originsOf(env, faults),
      loopback: development && env.CORS_ORIGINS === undefined,
    },
    policy: { publicRooms: rooms(env, 'PUBLIC_ROOMS', faults), joinRooms },
    anonymous: env.ANONYMOUS === 'on',
    bridges: bridgesOf(env, engine.engine, faults),
    compatible: compatibleOf(env, faults),
    sockets: {
      path: env.SOCKET_PATH.replace(/\/?$/, '/'),
      transports: transportsOf(env, faults),
      pingInterval: env.PING_INTERVAL,
      pingTimeout: env.PING_TIMEOUT,
      maxMessageBytes: env.MAX_MESSAGE_BYTES,
      maxRooms: env.MAX_ROOMS_PER_CONNECTION,
      maxMessages: env.MAX_MESSAGES_PER_SECOND,
      maxBacklog: env.MAX_CONNECTION_BYTES,
      maxConnects: env.MAX_CONNECTS_PER_SECOND,
      maxPerUser: env.MAX_CONNECTIONS_PER_USER,
    },
    maxBodyBytes: env.MAX_BODY_BYTES,
    maxWaitingPublishes: env.MAX_WAITING_PUBLISHES,
    drainSeconds: env.DRAIN_SECONDS,
    logLevel: env.LOG_LEVEL ?? (development ? 'warn' : 'info'),
  }
}

function deepFreeze<Value extends object>(value: Value): Value {
  // The bytes of a Buffer cannot be frozen.
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && inner !== null && !ArrayBuffer.isView(inner)) deepFreeze(inner)
  return Object.freeze(value)
}
