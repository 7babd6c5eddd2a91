import { type Cluster, Redis } from 'ioredis'
import { backoff } from '../../../core/lifecycle/backoff.ts'
import { baseOptions, type ClientOptions, createClient, createSingle, siblingOptions } from './clients.ts'
import { parseLocation } from './location.ts'

/** Milliseconds between two pings of the connection. One that does not answer in time is replaced. */
const PING_INTERVAL = 1000

const CONNECTION = {
  connectionName: 'tabcast-listener',
  // A connection that has ended is replaced by a new one, which may go to another node.
  retryStrategy: () => null,
  // In a flood of messages an answer comes late. A connection is dead when nothing comes at all, which `socketTimeout` notices.
  commandTimeout: undefined,
}

/** A function that is called with each message: the pattern that it came under, its channel, and its bytes. It must not throw. */
export type PatternHandler = (pattern: string, channel: string, message: Buffer) => void

/** The options of a pattern listener. */
export interface PatternListenerOptions extends ClientOptions {
  /** Receives the error with which Redis refuses to let us listen, but not the same one twice in a row. */
  report: (error: unknown) => void
}

/**
 * Listens to Pub/Sub channels that others publish on, on a connection of its own. Whenever that is lost it is replaced, and what is published
 * meanwhile is missed. On a Cluster any node will do, since a plain PUBLISH reaches all of them.
 */
export class PatternListener {
  readonly #patterns: readonly string[]
  readonly #onMessage: PatternHandler
  readonly #options: PatternListenerOptions
  readonly #pinging: NodeJS.Timeout
  /** The client that knows the nodes of a Cluster; undefined without one. */
  readonly #cluster: Cluster | undefined
  #client: Redis | undefined
  #attempt = 0
  #lastRefusal = ''
  #closed = false

  /** `patterns`: names of channels, or prefixes with one final `*`. */
  constructor(patterns: readonly string[], onMessage: PatternHandler, options: PatternListenerOptions) {
    this.#patterns = patterns
    this.#onMessage = onMessage
    this.#options = options
    if (parseLocation(options.url).kind === 'cluster') this.#cluster = createClient(options) as Cluster
    this.#cluster?.on('error', ignoreRetried)
    this.#pinging = setInterval(() => this.#ping(), PING_INTERVAL).unref()
    void this.#open()
  }

  /** Ends the connection. */
  close(): void {
    this.#closed = true
    clearInterval(this.#pinging)
    this.#client?.disconnect()
    this.#cluster?.disconnect()
  }

  async #open(): Promise<void> {
    for (; !this.#closed; await backoff(this.#attempt++)) {
      const client = this.#connect()
      // The nodes of the Cluster are not known yet.
      if (client === undefined) continue
      this.#client = client
      client.on('error', ignoreRetried)
      client.on('messageBuffer', (channel: Buffer, message: Buffer) =>
        this.#onMessage(channel.toString(), channel.toString(), message),
      )
      client.on('pmessageBuffer', (redisPattern: Buffer, channel: Buffer, message: Buffer) =>
        this.#onMessage(patternOf(redisPattern.toString()), channel.toString(), message),
      )
      client.once('ready', () => void this.#subscribe(client))
      await new Promise((resolve) => client.once('end', resolve))
    }
  }

  #connect(): Redis | undefined {
    const location = parseLocation(this.#options.url)
    if (location.kind !== 'cluster') return createSingle(this.#options, location, CONNECTION)
    const nodes = this.#cluster?.nodes('all') ?? []
    const node = nodes[Math.floor(Math.random() * nodes.length)]
    return node && new Redis({ ...baseOptions(this.#options), ...siblingOptions(node), ...CONNECTION })
  }

  async #subscribe(client: Redis): Promise<void> {
    const hasStar = (pattern: string): boolean => pattern.endsWith('*')
    const names = this.#patterns.filter((pattern) => !hasStar(pattern))
    const redisPatterns = this.#patterns.filter(hasStar).map(redisPatternOf)
    try {
      if (names.length > 0) await client.subscribe(...names)
      if (redisPatterns.length > 0) await client.psubscribe(...redisPatterns)
      this.#attempt = 0
      this.#lastRefusal = ''
    } catch (error) {
      const { message } = error as Error
      if (!this.#closed && message !== this.#lastRefusal) this.#options.report(error)
      this.#lastRefusal = message
      client.disconnect()
    }
  }

  #ping(): void {
    const client = this.#client
    // A connection that is being opened has time limits of its own.
    if (client?.status === 'ready') client.ping().catch(ignoreRetried)
  }
}

/** The pattern in Redis's own form, where more characters are special than the final star. */
const redisPatternOf = (pattern: string): string => `${pattern.slice(0, -1).replace(/[*?[\]\\^]/g, '\\$&')}*`

const patternOf = (redisPattern: string): string => redisPattern.replace(/\\(.)/gs, '$1')

function ignoreRetried(): void {
  // The next connection is made all the same.
}
