import { type Cluster, Redis } from 'ioredis'
import { backoff } from '../../../core/lifecycle/backoff.ts'
import { baseOptions, type ClientOptions, createClient, createSingle, siblingOptions } from './clients.ts'
import { parseLocation } from './location.ts'

/** How often the connection is asked for a sign of runId, in milliseconds. One that gives none in time is replaced. */
const PING_INTERVAL = 1000

const CONNECTION = {
  connectionName: 'tabcast-listener',
  // One that has ended is replaced by another, which may better go to another node.
  retryStrategy: () => null,
  // In a flood an answer comes late. A connection is dead when nothing comes at all, which `socketTimeout` sees.
  commandTimeout: undefined,
}

/** Called with each message: the pattern that it came under, its channel, and its bytes. Must not throw. */
export type PatternHandler = (pattern: string, channel: string, message: Buffer) => void

export interface PatternListenerOptions extends ClientOptions {
  /** Told why Redis does not let us listen, once for each reason in a row. */
  report: (error: unknown) => void
}

/**
 * Listens to Pub/Sub channels that others publish on, whatever happens to the connection: it has one of its own, and what is published
 * while that is being replaced is missed. On a Cluster any node will do, since a plain PUBLISH reaches all of them.
 */
export class PatternListener {
  readonly #patterns: readonly string[]
  readonly #onMessage: PatternHandler
  readonly #options: PatternListenerOptions
  readonly #watch: NodeJS.Timeout
  /** Knows the nodes of a Cluster; undefined without one. */
  readonly #cluster: Cluster | undefined
  #client: Redis | undefined
  #attempt = 0
  #lastRefusal = ''
  #closed = false

  /** A pattern is a channel's name, or a prefix and one final `*`. */
  constructor(patterns: readonly string[], onMessage: PatternHandler, options: PatternListenerOptions) {
    this.#patterns = patterns
    this.#onMessage = onMessage
    this.#options = options
    if (parseLocation(options.url).kind === 'cluster') this.#cluster = createClient(options) as Cluster
    this.#cluster?.on('error', ignoreRetried)
    this.#watch = setInterval(() => this.#ping(), PING_INTERVAL).unref()
    void this.#open()
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#watch)
    this.#client?.disconnect()
    this.#cluster?.disconnect()
  }

  async #open(): Promise<void> {
    for (; !this.#closed; await backoff(this.#attempt++)) {
      const client = this.#connect()
      // A Cluster whose nodes are not known yet.
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
    // One that is being made has time limits of its own.
    if (client?.status === 'ready') client.ping().catch(ignoreRetried)
  }
}

/** In a pattern of Redis more characters are special than the final star. */
const redisPatternOf = (pattern: string): string => `${pattern.slice(0, -1).replace(/[*?[\]\\^]/g, '\\$&')}*`

const patternOf = (redisPattern: string): string => redisPattern.replace(/\\(.)/gs, '$1')

function ignoreRetried(): void {
  // The next connection is made all the same.
}
