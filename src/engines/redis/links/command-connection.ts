import { Cluster, Redis } from 'ioredis'
import { isFault } from '../../../core/lifecycle/faults.ts'
import { ServiceError } from '../../../core/model/errors.ts'
import { baseOptions, type ClientOptions, createClient, insist, type NodeOptions } from './clients.ts'
import { Deadlines, withDeadline } from './deadline.ts'
import { translate } from './translate.ts'

/** The command that announces a publication; see `CommandConnection.publishCommand`. */
export type PublishCommand = 'PUBLISH' | 'SPUBLISH'

/** How long a command waits for a connection that is being made, in milliseconds. */
const CONNECT_PATIENCE = 800

/**
 * The connection for commands: knows when it can be used and in which run the store is, puts the commands of one turn of the event
 * loop into one write, and translates errors.
 */
export class CommandConnection {
  readonly client: Redis | Cluster
  readonly isCluster: boolean
  readonly #options: ClientOptions
  #runId: string | undefined
  #lastError = 'not connected yet'
  #waiting: PromiseWithResolvers<void> | undefined
  #corked = false
  #closed = false
  readonly #giveUp: () => void
  readonly #deadlines: Deadlines
  readonly #translated: (error: unknown) => ServiceError

  /** `report`: hears of faults of our own, such as the error of a script. */
  constructor(options: ClientOptions, report: (error: unknown) => void) {
    this.#options = options
    this.#deadlines = new Deadlines(options.commandTimeout)
    this.#translated = (error) => {
      const translated = translate(error)
      if (isFault(translated)) report(translated)
      return translated
    }
    // The deadline of `run` is kinder to a process that did not get to run, and covers what a Cluster's client does in between.
    this.client = createClient(options, { commandTimeout: undefined })
    this.isCluster = this.client instanceof Cluster
    this.#giveUp = insist(this.client)
    this.client.on('error', (error: Error) => this.#fail(error.message))
    this.client.on('close', () => this.#fail(this.#lastError))
    this.client.on('ready', () => void this.#enter())
  }

  /**
   * The uninterrupted run of the store: of its process and of its replication history. On a Cluster every node has its own, so the scripts
   * ask for it themselves, and this is empty.
   */
  get runId(): string {
    return this.#runId ?? ''
  }

  /** The command by which a script announces a publication: on a Cluster within the shard that serves the channel. */
  get publishCommand(): PublishCommand {
    return this.isCluster ? 'SPUBLISH' : 'PUBLISH'
  }

  /** The number of the database that the URL names; a Cluster has only 0. */
  get database(): number {
    return this.isCluster ? 0 : ((this.client as Redis).options.db ?? 0)
  }

  /** Another connection to a server. */
  createNode(extra: NodeOptions): Redis {
    return new Redis({ ...baseOptions(this.#options), ...extra })
  }

  /**
   * Runs a command. Waits a moment for a connection that is being made.
   * Rejects with `engine_unavailable` or `engine_timeout`; after either it is open whether the command took effect. A fault of our own is
   * reported, and rejects with `internal`.
   */
  run<T>(command: () => Promise<T>): Promise<T> {
    // Without an async frame of its own where there is nothing to wait for: this is on the way of everything that is stored.
    return this.#runId === undefined || this.#closed ? this.#runLater(command) : this.#runNow(command)
  }

  async #runLater<T>(command: () => Promise<T>): Promise<T> {
    this.refuseIfClosed()
    if (this.#runId === undefined) await this.#usable()
    return this.#runNow(command)
  }

  #runNow<T>(command: () => Promise<T>): Promise<T> {
    this.#cork()
    let answer: Promise<T>
    try {
      answer = command()
    } catch (error) {
      return Promise.reject(this.#translated(error))
    }
    return this.#deadlines.within(answer, this.#translated)
  }

  /** Throws `shutting_down` after `close`. */
  refuseIfClosed(): void {
    if (this.#closed) throw new ServiceError('shutting_down', 'the engine has been closed')
  }

  /** Asks the server for its run id again, since it can change while the connection stays open; answers whether it has. */
  async refreshRunId(): Promise<boolean> {
    if (this.isCluster || this.#runId === undefined) return false
    const runId = await this.run(() => readRunId(this.client as Redis))
    if (this.#runId === undefined || this.#runId === runId) return false
    this.#runId = runId
    return true
  }

  /** Asks a Cluster where its slots are now. */
  refreshSlots(): void {
    if (this.client instanceof Cluster && !this.#closed) this.client.refreshSlotsCache()
  }

  /** Ends the connection when what was sent has been answered. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#giveUp()
    this.#waiting?.reject(new ServiceError('shutting_down', 'the engine has been closed'))
    // Without an answer there is nothing to wait for.
    if (this.#runId !== undefined)
      await withDeadline(this.client.quit(), this.#options.commandTimeout).catch(() => undefined)
    this.client.disconnect()
  }

  async #enter(): Promise<void> {
    try {
      this.#runId = this.isCluster ? '' : await this.#readRunId()
      this.#waiting?.resolve()
      this.#waiting = undefined
    } catch (error) {
      // Without its run id the store can't be written to; a new connection asks again.
      this.#fail((error as Error).message)
      if (!this.#closed) this.client.disconnect(true)
    }
  }

  #readRunId(): Promise<string> {
    return withDeadline(readRunId(this.client as Redis), this.#options.commandTimeout)
  }

  #fail(reason: string): void {
    this.#runId = undefined
    if (reason !== '') this.#lastError = reason
  }

  async #usable(): Promise<void> {
    this.#waiting ??= Promise.withResolvers()
    await withDeadline(
      this.#waiting.promise,
      CONNECT_PATIENCE,
      () => new ServiceError('engine_unavailable', `Redis cannot be reached: ${this.#lastError}`),
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

async function readRunId(client: Redis): Promise<string> {
  const info = await client.info('server', 'replication')
  const run = /run_id:([0-9a-f]+)/.exec(info)?.[1]
  const replication = /master_replid:([0-9a-f]+)/.exec(info)?.[1]
  if (run === undefined || replication === undefined)
    throw new Error('INFO names no run_id and master_replid')
  return run.slice(0, 8) + replication.slice(0, 8)
}
