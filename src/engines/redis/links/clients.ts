import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { type Location, parseLocation } from './location.ts'

/** Where Redis is and how patient we are with it. */
export interface ClientOptions {
  /** As `parseLocation` reads it. */
  url: string
  /** Milliseconds until a command that got no answer is given up. */
  commandTimeout: number
}

/** What a single connection can be told. */
export type NodeOptions = Omit<RedisOptions, 'replyMapping'>

/** A connection that owes an answer and says nothing for so many milliseconds is replaced: the other end may be gone without a word. */
const SILENCE = 2000

/** How long a connection that we end may take over its farewell, in milliseconds: a dead one never answers it. */
const FAREWELL = 100

/** How long a Sentinel may take to answer before the next one is asked, in milliseconds. */
const SENTINEL_PATIENCE = 500

/** Tried again soon, for a server that was just started; at random, for the many processes that lost it together. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 400) * (0.5 + Math.random() / 2)

/** Options for every connection: nothing is sent again by itself, since a lost reply does not say that nothing was done. */
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

/** The client for commands: it connects at once, and again whenever it has to. */
export function createClient(options: ClientOptions, extra: NodeOptions = {}): Redis | Cluster {
  const location = parseLocation(options.url)
  return location.kind === 'cluster'
    ? createCluster(options, location, extra)
    : createSingle(options, location, extra)
}

/** One connection to a server, or to the master that Sentinels name. */
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
    // A master that was replaced may go on as if nothing had happened; only the Sentinels know.
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
    // A script is repeated only where the node said that it has not run it.
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

/** The options of another connection to where a client is connected. */
export function siblingOptions({ options }: Redis): NodeOptions {
  const { replyMapping: _, ...rest } = options
  // The nodes of a Cluster are configured to wait for a first command, and not to come back.
  return { ...rest, lazyConnect: false, retryStrategy }
}

/**
 * A client that is told to start over while it asks the Sentinels for the master gives up for good. Sends it again, until the function
 * that it answers is called.
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
  // The client says so by an event as well, and tries again.
}
