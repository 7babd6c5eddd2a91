import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { ServiceError } from '../../core/errors.ts'

/** Where Redis is and how patient we are with it. */
export interface RedisConnectionOptions {
  /** `redis[s]://user:password@host:port/db`; several by comma for a Cluster. */
  url: string
  /** Milliseconds until a command that got no answer is given up. */
  commandTimeout: number
}

/** What a single connection can be told. */
type NodeOptions = Omit<RedisOptions, 'replyMapping'>

/** How long a command waits for a connection that is being made, in milliseconds. */
const CONNECT_PATIENCE = 800

/** Tried again soon, for a server that was just started; at random, for the many processes that lost it together. */
export const retryStrategy = (attempt: number): number =>
  Math.min(50 * attempt, 400) * (0.5 + Math.random() / 2)

/** Options for every connection: nothing is sent again by itself, since a lost reply does not say that nothing was done. */
function baseOptions(options: RedisConnectionOptions): NodeOptions {
  return {
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: options.commandTimeout,
    connectTimeout: options.commandTimeout,
    // A server that is loading its file is asked again soon, not after the time that it estimates.
    maxLoadingRetryTime: 100,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    retryStrategy,
    disableClientInfo: true,
  }
}

const tlsOf = (url: URL): Pick<RedisOptions, 'tls'> => (url.protocol === 'rediss:' ? { tls: {} } : {})

function authOf(url: URL): Pick<RedisOptions, 'username' | 'password'> {
  return {
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
  }
}

/**
 * The connection for commands: knows when it can be used and in which life the store is, puts the commands of one turn of the event
 * loop into one write, and translates errors.
 */
export class RedisConnection {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
  readonly #options: RedisConnectionOptions
  #life: string | undefined
  #lastError = 'not connected yet'
  #waiting: PromiseWithResolvers<void> | undefined
  #corked = false
  #closed = false

  constructor(options: RedisConnectionOptions) {
    this.#options = options
    const urls = options.url.split(',').map((url) => new URL(url))
    this.isCluster = urls.length > 1
    this.client = this.isCluster ? this.#createCluster(urls) : this.#createStandalone(urls[0]!)
    this.client.on('error', (error: Error) => this.#fail(error.message))
    this.client.on('close', () => this.#fail(this.#lastError))
    this.client.on('ready', () => void this.#enter())
  }

  /**
   * Which uninterrupted life the store is in: its run and its replication history. On a Cluster every node has its own, so the scripts
   * ask for it themselves, and this is empty.
   */
  get life(): string {
    return this.#life ?? ''
  }

  /** The number of the database that the URL names; a Cluster has only 0. */
  get database(): number {
    return this.isCluster ? 0 : ((this.client as Redis).options.db ?? 0)
  }

  /** Another connection to a server. */
  createNode(extra: NodeOptions): Redis {
    return new Redis({ ...baseOptions(this.#options), ...extra })
  }

  #createStandalone(url: URL): Redis {
    return this.createNode({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 6379 : Number(url.port),
      db: url.pathname.length > 1 ? Number(url.pathname.slice(1)) : 0,
      ...authOf(url),
      ...tlsOf(url),
    })
  }

  /**
   * Runs a command. Waits a moment for a connection that is being made.
   * Rejects with `engine_unavailable` or `engine_timeout`; after either it is open whether the command took effect.
   */
  async run<T>(command: () => Promise<T>): Promise<T> {
    this.refuseIfClosed()
    if (this.#life === undefined) await this.#usable()
    this.#cork()
    try {
      // A Cluster's client follows redirections and waits for slots on its own time; a single server's has a time limit per command.
      return await (this.isCluster ? withDeadline(command(), this.#options.commandTimeout) : command())
    } catch (error) {
      throw translate(error)
    }
  }

  /** Throws `shutting_down` after `close`. */
  refuseIfClosed(): void {
    if (this.#closed) throw new ServiceError('shutting_down', 'the engine has been closed')
  }

  /** Asks the server for its life again: it can change while the connection stays open. */
  async refreshLife(): Promise<void> {
    if (this.isCluster || this.#life === undefined) return
    const life = await this.run(() => readLife(this.client as Redis))
    if (this.#life !== undefined) this.#life = life
  }

  /** Ends the connection when what was sent has been answered. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#waiting?.reject(new ServiceError('shutting_down', 'the engine has been closed'))
    // Without an answer there is nothing to wait for.
    if (this.#life !== undefined) await this.client.quit().catch(() => undefined)
    this.client.disconnect()
  }

  #createCluster(urls: URL[]): Cluster {
    const { retryStrategy: _, enableOfflineQueue: __, ...nodeOptions } = baseOptions(this.#options)
    const options = {
      clusterRetryStrategy: retryStrategy,
      clusterNodeRetryStrategy: retryStrategy,
      // A node's connection is opened by the first command for it, which has to wait for that.
      enableOfflineQueue: true,
      // A script is repeated only where the node said that it has not run it.
      retryDelayOnFailover: 0,
      slotsRefreshTimeout: this.#options.commandTimeout,
      redisOptions: { ...nodeOptions, ...authOf(urls[0]!), ...tlsOf(urls[0]!) },
    }
    return new Cluster(
      urls.map((url) => ({ host: url.hostname, port: url.port === '' ? 6379 : Number(url.port) })),
      options,
    )
  }

  async #enter(): Promise<void> {
    try {
      this.#life = this.isCluster ? '' : await readLife(this.client as Redis)
      this.#waiting?.resolve()
      this.#waiting = undefined
    } catch (error) {
      // Without its life the store can't be written to; a new connection asks again.
      this.#fail((error as Error).message)
      if (!this.#closed) this.client.disconnect(true)
    }
  }

  #fail(reason: string): void {
    this.#life = undefined
    if (reason !== '') this.#lastError = reason
  }

  async #usable(): Promise<void> {
    this.#waiting ??= Promise.withResolvers()
    await withDeadline(
      this.#waiting.promise,
      CONNECT_PATIENCE,
      () => new ServiceError('engine_unavailable', `Redis can not be reached: ${this.#lastError}`),
    )
  }

  /** One write and one packet for all commands of a turn: under load this is a third of the time of a publish. */
  #cork(): void {
    if (this.#corked || this.isCluster) return
    this.#corked = true
    const { stream } = this.client as Redis
    stream.cork()
    setImmediate(() => {
      this.#corked = false
      stream.uncork()
    })
  }
}

/** What the promise settles to, or after so many milliseconds this error. */
export async function withDeadline<T>(
  promise: Promise<T>,
  milliseconds: number,
  error: () => ServiceError = () => new ServiceError('engine_timeout', 'Redis did not answer in time'),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(error()), milliseconds)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

async function readLife(client: Redis): Promise<string> {
  const info = await client.info('server', 'replication')
  const run = /run_id:([0-9a-f]+)/.exec(info)?.[1]
  const replication = /master_replid:([0-9a-f]+)/.exec(info)?.[1]
  if (run === undefined || replication === undefined)
    throw new Error('INFO names no run_id and master_replid')
  return run.slice(0, 8) + replication.slice(0, 8)
}

function translate(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const { message } = error as Error
  if (message === 'Command timed out')
    return new ServiceError('engine_timeout', 'Redis did not answer in time', { cause: error })
  return new ServiceError(
    'engine_unavailable',
    `Redis refused the command or lost the connection: ${message}`,
    {
      cause: error,
    },
  )
}
