import { randomUUID } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import type { PublishOptions } from '../core/drafts/draft.ts'
import { backoff } from '../core/lifecycle/backoff.ts'
import { isFault, isTemporary } from '../core/lifecycle/faults.ts'
import { ServiceError } from '../core/model/errors.ts'

/** The consumer group that all processes of a set-up share. */
const GROUP = 'tabcast'

/** The most entries that are published at once. */
const BATCH = 100

/** The longest that a read waits for an entry, in milliseconds. */
export const STREAM_BLOCK = 1000

/** An entry that a process has had for this many milliseconds is taken from it, since the process may be dead. */
const CLAIM_AFTER = 5000

/** Milliseconds between two searches for such entries. */
const CLAIM_INTERVAL = 1000

/** A process that has not asked for anything for this many milliseconds is forgotten, if it owes nothing. */
const FORGET_AFTER = 3_600_000

/** How often an entry is tried whose publishing meets a fault of our own: it must not hold up the stream for ever. */
const MAX_FAULTY_ATTEMPTS = 5

/** The most refused entries that are kept. */
export const MAX_DEAD = 1000

/** One entry: its id, and names and values in turn. */
type Entry = [id: Buffer, fields: Buffer[] | null]

/** The parts that the bridge works with. */
export interface StreamParts {
  /** Makes a connection for the bridge alone, on which a command may take `STREAM_BLOCK` longer than elsewhere. */
  connect(): Redis | Cluster
  /** Publishes an entry; rejects with a `ServiceError`. */
  publish(fields: ReadonlyMap<string, Buffer>, options: PublishOptions): Promise<void>
  /** Counts an entry that cannot be published. */
  reject(reason: string): void
  /** Receives errors that nobody expected, and what Redis refuses. */
  report(error: unknown): void
}

/**
 * Publishes the entries of a stream: each is stored once, in the order of the stream, and then deleted from it. Whatever dies in between, an
 * entry stays with the consumer group until it is acknowledged, and its id is the idempotency key when it is published again.
 */
export class RedisStreamBridge {
  readonly #stream: string
  readonly #parts: StreamParts
  readonly #client: Redis | Cluster
  readonly #consumer = randomUUID()
  readonly #running: Promise<void>
  #reading = false
  #closed = false
  #claimAt = 0
  #lastFault = ''

  /** Begins to read at once. `stream` is the name of its key. */
  constructor(stream: string, parts: StreamParts) {
    this.#stream = stream
    this.#parts = parts
    this.#client = parts.connect()
    // The client reconnects by itself, and the commands fail with the same error.
    this.#client.on('error', () => undefined)
    this.#running = this.#run()
  }

  /** Stops reading; resolves when what was being published is done. Entries that were read and not published are left to other processes. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#reading) this.#client.disconnect()
    await this.#running
    this.#client.disconnect()
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#closed; await backoff(attempt++)) {
      try {
        await this.#createGroup()
        for (; !this.#closed; attempt = 0) await this.#publishAll(await this.#next())
      } catch (error) {
        this.#reportRefusal(error as Error)
      }
    }
  }

  /** Reports what Redis refuses, once for each reason in a row. A Redis that is away is reported elsewhere. */
  #reportRefusal(error: Error): void {
    if (error.name !== 'ReplyError' || error.message.startsWith('NOGROUP')) return
    if (error.message !== this.#lastFault) this.#parts.report(error)
    this.#lastFault = error.message
  }

  /** Creates the group from the first entry on: what was added before Tabcast was started counts. */
  async #createGroup(): Promise<void> {
    try {
      await this.#client.xgroup('CREATE', this.#stream, GROUP, '0', 'MKSTREAM')
    } catch (error) {
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error
    }
  }

  /** Resolves to entries that another process owes, or new ones; to none after a while without any. */
  async #next(): Promise<Entry[]> {
    if (performance.now() >= this.#claimAt) {
      const claimed = await this.#claim()
      if (claimed.length > 0) return claimed
      await this.#forgetIdleConsumers()
      this.#claimAt = performance.now() + CLAIM_INTERVAL
    }
    this.#reading = true
    try {
      const answer = (await this.#client.xreadgroupBuffer(
        'GROUP',
        GROUP,
        this.#consumer,
        'COUNT',
        BATCH,
        'BLOCK',
        STREAM_BLOCK,
        'STREAMS',
        this.#stream,
        '>',
      )) as [Buffer, Entry[]][] | null
      return answer?.[0]?.[1] ?? []
    } finally {
      this.#reading = false
    }
  }

  async #claim(): Promise<Entry[]> {
    const taken = [this.#stream, GROUP, this.#consumer, CLAIM_AFTER, '0', 'COUNT', BATCH]
    const [, entries] = (await this.#client.callBuffer('XAUTOCLAIM', taken)) as [Buffer, Entry[]]
    return entries
  }

  async #forgetIdleConsumers(): Promise<void> {
    const consumers = (await this.#client.xinfo('CONSUMERS', this.#stream, GROUP)) as (string | number)[][]
    for (const flat of consumers) {
      const fieldOf = (name: string) => flat[flat.indexOf(name) + 1]
      if (fieldOf('pending') === 0 && Number(fieldOf('idle')) > FORGET_AFTER)
        await this.#client.xgroup('DELCONSUMER', this.#stream, GROUP, String(fieldOf('name')))
    }
  }

  /** Publishes entries until each is stored or refused, then takes them off the stream. */
  async #publishAll(entries: Entry[]): Promise<void> {
    let open = entries
    for (let attempt = 0; open.length > 0 && !this.#closed; await backoff(attempt++)) {
      // Published in one turn of the event loop, they are stored in this order.
      const done = await Promise.all(open.map((entry) => this.#publish(entry, attempt)))
      await this.#remove(open.filter((_entry, index) => done[index]))
      open = open.filter((_entry, index) => !done[index])
      if (open.length === 0) return
    }
  }

  /** Resolves to true if the entry is done with; to false if it has to be tried again. `attempt`: how often it has been tried. */
  async #publish([id, fields]: Entry, attempt: number): Promise<boolean> {
    try {
      const options = { credential: `stream:${this.#stream}`, idempotencyKey: id.toString() }
      await this.#parts.publish(mapOf(fields ?? []), options)
      return true
    } catch (error) {
      if (isTemporary(error)) return false
      if (isFault(error)) {
        this.#parts.report(error)
        if (attempt + 1 < MAX_FAULTY_ATTEMPTS) return false
      }
      await this.#bury(id, fields ?? [], error as Error)
      return true
    }
  }

  /** Keeps an entry that cannot be published where somebody can look at it. */
  async #bury(id: Buffer, fields: Buffer[], error: Error): Promise<void> {
    const code = error instanceof ServiceError ? error.code : 'internal'
    const reason = ['entry', id, 'code', code, 'reason', error.message]
    await this.#client.xadd(`${this.#stream}:dead`, 'MAXLEN', '=', MAX_DEAD, '*', ...reason, ...fields)
    this.#parts.reject(`entry ${id}: ${error.message}`)
  }

  async #remove(entries: Entry[]): Promise<void> {
    if (entries.length === 0) return
    const ids = entries.map(([id]) => id)
    const transaction = this.#client.multi()
    // In one transaction: an entry that is acknowledged and not deleted would stay in the stream for ever, and nobody would read it again.
    transaction.xack(this.#stream, GROUP, ...ids)
    transaction.xdel(this.#stream, ...ids)
    await transaction.exec()
  }
}

/** The fields of an entry by name. Throws `invalid_request` if a name is there twice. */
function mapOf(fields: readonly Buffer[]): Map<string, Buffer> {
  const map = new Map<string, Buffer>()
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index]!.toString()
    if (map.has(name)) throw new ServiceError('invalid_request', `${name} is there twice`)
    map.set(name, fields[index + 1]!)
  }
  return map
}
