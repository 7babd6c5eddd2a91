import { type Static, type TSchema, type TUnsafe, Type } from 'typebox'

/** One environment variable, as the documentation shows it. */
export interface Variable {
  name: string
  /** The default as the documentation shows it; empty if there is none. */
  default: string
  /** In Markdown. */
  meaning: string
  /** True if it may come from a file, named by `NAME_FILE`. */
  secret: boolean
}

interface Entry<Schema extends TSchema> {
  schema: Schema
  shown: string
  meaning: string
  secret: boolean
}

const variable = <Schema extends TSchema>(schema: Schema, shown: string, meaning: string): Entry<Schema> => ({
  schema,
  shown,
  meaning,
  secret: false,
})

const text = (meaning: string, shown = '') => variable(Type.Optional(Type.String()), shown, meaning)

const secret = (meaning: string, shown = '') => ({ ...text(meaning, shown), secret: true })

const number = (minimum: number, maximum: number, value: number, meaning: string, shown = String(value)) =>
  variable(Type.Integer({ minimum, maximum, default: value }), shown, meaning)

const choice = <const Value extends string>(
  values: readonly Value[],
  value: NoInfer<Value>,
  meaning: string,
): Entry<TUnsafe<Value>> =>
  variable(Type.Unsafe<Value>({ type: 'string', enum: values, default: value }), value, meaning)

const DAY = 24 * 60 * 60
const YEAR = 366 * DAY

const entries = {
  NODE_ENV: choice(
    ['development', 'test', 'production'],
    'development',
    '`production` refuses to start without real secrets; `test` is the same as `development`',
  ),
  HOST: text('the address to listen on', '`127.0.0.1` in development, `0.0.0.0` in production'),
  PORT: number(0, 65_535, 3000, 'the port to listen on; 0 takes a free one'),
  PUBLIC_URL: text('how the outside reaches this server, where that is to be shown'),
  ROLE: choice(
    ['all', 'api', 'worker'],
    'all',
    '`api` takes HTTP in, `worker` has the sockets, `all` is both',
  ),
  ENGINE: variable(
    Type.Optional(Type.Unsafe<'embedded' | 'redis'>({ type: 'string', enum: ['embedded', 'redis'] })),
    '`redis` if `REDIS_URL` is set, else `embedded`',
    'the store, and the way between processes; `embedded` is one process',
  ),
  DATA: variable(
    Type.String({ default: './data/tabcast.db' }),
    './data/tabcast.db',
    'the SQLite file of the embedded engine, or `:memory:`',
  ),
  REDIS_URL: secret(
    '`redis[s]://user:password@host:port/db`; several hosts by comma for a Cluster; `redis-sentinel://user:password@host:port,host:port/name/db`',
  ),
  REDIS_PREFIX: variable(
    Type.String({ pattern: '^[A-Za-z0-9._:-]{1,64}$', default: 'tabcast' }),
    'tabcast',
    'in front of every key and channel',
  ),
  REDIS_COMMAND_TIMEOUT: number(50, 1100, 1000, 'milliseconds until a command without an answer is given up'),
  REDIS_WAIT: number(0, 16, 0, 'replicas that must have a publish before its 2xx'),
  WORKERS: variable(
    Type.String({ default: '1' }),
    '1',
    'processes that share the port, on Redis: 1 to 256, or `auto` for one per core',
  ),
  API_KEYS: secret(
    '`name:key` or `name:sha256:hex`, each with `:scope+scope` behind if limited, separated by commas; a key is `[A-Za-z0-9_-]{22,}`',
    'made in development',
  ),
  JWT_SECRET: secret(
    'signs browser tokens (HS256), at least 32 bytes; several by comma for a rotation, the first signs',
    'made in development',
  ),
  JWT_PUBLIC_KEY: secret('checks browser tokens (RS, ES, EdDSA); PEM, several one behind the other'),
  JWKS_URL: text('where the public keys of browser tokens are published'),
  WEBHOOK_SECRET: secret(
    'signs webhooks (Standard Webhooks): `whsec_` and base64 of 24 to 64 bytes; several by comma for a rotation, all sign; without it there are none',
  ),
  WEBHOOK_URL: text('where webhooks go unless the call names a URL'),
  WEBHOOK_PRIVATE: choice(
    ['on', 'off'],
    'off',
    '`on` lets a URL that a call names be `http://`, and lead into a private network or to this machine',
  ),
  CORS_ORIGINS: text(
    'the origins of pages that may connect, separated by commas; `*` for all',
    'same origin; any on loopback in development',
  ),
  PUBLIC_ROOMS: text('patterns of rooms that every token may subscribe to, separated by commas', 'none'),
  JOIN_ROOMS: text('rooms that every connection joins by itself, separated by commas', 'none'),
  ANONYMOUS: choice(['on', 'off'], 'off', '`on` lets connections without a token into public rooms'),
  RETENTION_COUNT: number(1, 1_000_000, 1000, 'how many entries of a log of a user are kept'),
  RETENTION_SECONDS: number(1, YEAR, 28 * DAY, 'and for how long', '2419200 (28 days)'),
  ROOM_RETENTION_COUNT: number(1, 1_000_000, 100, 'how many entries of a log of a room are kept'),
  ROOM_RETENTION_SECONDS: number(1, YEAR, DAY, 'and for how long', '86400 (1 day)'),
  DURABILITY: choice(
    ['process', 'power'],
    'process',
    'embedded: `process` survives `kill -9`, `power` also a power cut',
  ),
  DRAIN_SECONDS: number(0, 600, 10, 'over how long a stop spreads its reconnects'),
  SOCKET_PATH: variable(
    Type.String({ pattern: '^/[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?$', default: '/socket.io/' }),
    '/socket.io/',
    'where Socket.IO listens',
  ),
  TRANSPORTS: variable(
    Type.String({ default: 'websocket,polling' }),
    'websocket,polling',
    'how tabs may connect, separated by commas',
  ),
  PING_INTERVAL: number(1000, 600_000, 25_000, 'milliseconds between two pings of a connection'),
  PING_TIMEOUT: number(500, 600_000, 20_000, 'milliseconds until a connection without a pong is closed'),
  MAX_BODY_BYTES: number(1024, 67_108_864, 1_048_576, 'the most bytes of an HTTP body'),
  MAX_MESSAGE_BYTES: number(1024, 1_048_576, 65_536, 'the most bytes of a message from a tab'),
  MAX_CONNECTS_PER_SECOND: number(
    1,
    1_000_000,
    300,
    'connections that a process takes in a second; more are refused with 503, and try again by themselves',
  ),
  MAX_CONNECTIONS_PER_USER: number(
    1,
    1_000_000,
    100,
    'connections of one user that a process takes; one more is closed, and tries again by itself',
  ),
  MAX_ROOMS_PER_CONNECTION: number(
    1,
    10_000,
    100,
    'how many rooms a connection may subscribe to, and how many a user may be a member of',
  ),
  MAX_MESSAGES_PER_SECOND: number(
    1,
    10_000,
    10,
    'how many messages a second a connection may publish in rooms; twice as many at once',
  ),
  MAX_WAITING_PUBLISHES: number(
    1,
    20_000,
    1000,
    'publishes that may wait for the engine; more are answered 503 with `Retry-After`',
  ),
  MAX_CONNECTION_BYTES: number(
    65_536,
    67_108_864,
    1_048_576,
    'bytes that may wait for a slow tab before it is disconnected',
  ),
  BRIDGE_REDIS_PUBLISH: text(
    'rooms for what others `PUBLISH` in Redis: JSON, `[{"channel": "news.*", "room": "*"}]`; see [bridges](bridges.md)',
    'closed',
  ),
  BRIDGE_REDIS_STREAM: text('the Redis stream whose entries are published', 'closed'),
  BRIDGE_SOCKETIO_EMITTER: text(
    "the key of Socket.IO's Redis emitters, which is `socket.io` by their default",
    'closed',
  ),
  PUSHER_API: secret("`app_id:key:secret` that Pusher's server SDKs are configured with", 'closed'),
  GET_API: choice(
    ['on', 'off'],
    'off',
    '`on` takes `GET /?name=…&msg=…&key=…`, and the same as a form by `POST /`',
  ),
  LOG_LEVEL: variable(
    Type.Optional(
      Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { type: 'string' }),
    ),
    '`warn` in development, `info` in production',
    'the least that is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal`, or `silent` for nothing at all',
  ),
} satisfies Record<string, Entry<TSchema>>

type Entries = typeof entries
type Properties = { [Name in keyof Entries]: Entries[Name]['schema'] }

/** The schema that the environment is checked against. */
export const environmentSchema = Type.Object(
  Object.fromEntries(Object.entries(entries).map(([name, { schema }]) => [name, schema])) as Properties,
)

/** The environment after the check, with its defaults. */
export type Environment = Static<typeof environmentSchema>

/** Every variable that the configuration knows, in the order of the documentation. */
export const VARIABLES: readonly Variable[] = Object.entries(entries).map(
  ([name, { shown, meaning, secret }]) => ({ name, default: shown, meaning, secret }),
)
