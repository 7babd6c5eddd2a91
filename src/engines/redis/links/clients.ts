import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { type Location, parseLocation } from './location.ts'

/** The options of a connection to Redis. */
export interface ClientOptions {
  /** The address, as `parseLocation` reads it. */
  url: string
  /** Milliseconds after which a command without an answer is given up. */
  commandTimeout: number
}

/** The options of ioredis for a single connection. */
export type NodeOptions = Omit<RedisOptions, 'replyMapping'>

/** Milliseconds of silence after which a connection that owes an answer is replaced: the other end may have gone without closing it. */
const SILENCE = 2000

/** The longest time that a connection may take to close, in milliseconds: a dead one never answers. */
const FAREWELL = 100

/** The time after which another Sentinel is asked, in milliseconds. */
const SENTINEL_PATIENCE = 500

/** The pause before the next attempt: short, for a server that has just started; random, for the many processes that lost it together. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 400) * (0.5 + Math.random() / 2)

/** The options of every connection. No command is sent again by itself, since a lost reply does not mean that nothing was done. */
export function baseOptions({ commandTimeout }: ClientOptions): NodeOptions {
  return {
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout,
    connectTimeout: commandTimeout,
    socketTimeout: SILENCE,
    disconnectTimeout: FAREWELL,
    // A server that is loading its file is asked again soon, not after the time that it estimates.
    maxLoadingRetryTime: 100,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy,
    disableClientInfo: true,
  }
}

/** Creates a client for commands. It connects at once, and again whenever it has to. Throws a `TypeError` if the address is not valid. */
export function createClient(options: ClientOptions, extra: NodeOptions = {}): Redis | Cluster {
  const location = parseLocation(options.url)
  return location.kind === 'cluster'
    ? createCluster(options, location, extra)
    : createSingle(options, location, extra)
}

/** Creates one connection to a server, or to the master that the Sentinels name. */
export const createSingle = (
  options: ClientOptions,
  location: Exclude<Location, { kind: 'cluster' }>,
  extra: NodeOptions = {},
): Redis => new Redis({ ...baseOptions(options), ...nodeOptionsOf(location), ...extra })

function nodeOptionsOf(location: Exclude<Location, { kind: 'cluster' }>): NodeOptions {
  const shared: NodeOptions = { db: location.database, ...loginOf(location), ...tlsOf(location) }
  if (location.kind === 'standalone') return { ...shared, ...location.addresses[0] }
  const { username, password } = location.sentinel
  return {
    ...shared,
    sentinels: [...location.addresses],
    name: location.name,
    role: 'master',
    // A master that was replaced may keep answering; only the Sentinels know that it is none any more.
    failoverDetector: true,
    sentinelCommandTimeout: SENTINEL_PATIENCE,
    sentinelRetryStrategy: retryStrategy,
    sentinelReconnectStrategy: retryStrategy,
    ...(username === undefined ? {} : { sentinelUsername: username }),
    ...(password === undefined ? {} : { sentinelPassword: password }),
  }
}

function createCluster(options: ClientOptions, location: Location, extra: NodeOptions): Cluster {
  const { retryStrategy: _, enableOfflineQueue: __, ...nodeOptions } = baseOptions(options)
  return new Cluster([...location.addresses], {
    clusterRetryStrategy: retryStrategy,
    clusterNodeRetryStrategy: retryStrategy,
    // A node's connection is opened by the first command for it, which has to wait for that.
    enableOfflineQueue: true,
    // A script is repeated only if the node has answered that it did not run it.
    retryDelayOnFailover: 0,
    slotsRefreshTimeout: options.commandTimeout,
    redisOptions: { ...nodeOptions, ...loginOf(location), ...tlsOf(location), ...extra },
  })
}

const loginOf = ({ username, password }: Location): Pick<RedisOptions, 'username' | 'password'> => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
})

const tlsOf = ({ tls }: Location): Pick<RedisOptions, 'tls'> => (tls ? { tls: {} } : {})

/** The options of another connection to the server of a client. */
export function siblingOptions({ options }: Redis): NodeOptions {
  const { replyMapping: _, ...rest } = options
  // The nodes of a Cluster are configured to wait for a first command, and not to come back.
  return { ...rest, lazyConnect: false, retryStrategy }
}

/**
 * Lets a client connect again whenever it has ended, until the returned function is called: one that is disconnected while it asks the
 * Sentinels for the master would give up for good.
 */
export function insist(client: Redis | Cluster): () => void {
  const again = (): void => {
    setTimeout(() => {
      if (client.listeners('end').includes(again)) client.connect().catch(ignoreRetried)
    }, retryStrategy(1)).unref()
  }
  client.on('end', again)
  return () => client.off('end', again)
}

function ignoreRetried(): void {
  // The client emits an event as well, and tries again.
}
