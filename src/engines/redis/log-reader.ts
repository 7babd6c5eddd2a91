import type { LogPage, PageLimit } from '../../core/engine/broker.ts'
import { type Channel, isUserChannel } from '../../core/model/channel.ts'
import { decodeOrSkip } from '../../core/model/encoding.ts'
import type { Counts } from '../../core/model/item.ts'
import {
  type Continuation,
  type Cursor,
  continueFrom,
  headOf,
  type LogState,
  positionAt,
  type StoreFacts,
  type StreamPosition,
  unwrittenLog,
} from '../../core/model/position.ts'
import type { Publication } from '../../core/model/publication.ts'
import { readEntry } from './entry.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'
import type { Store } from './store.ts'

/** A seq that no log reaches: a read after it returns nothing but the log's state. */
const END = '9007199254740991'

/** The answer of the script that reads a log. */
interface LogRead {
  log: LogState
  store: StoreFacts
  complete: boolean
  /** The counts of the inbox, if it is the log of a user. */
  counts: Counts
  /** The position of the last entry that was read, even if it could not be decoded; undefined if none was read. */
  end: StreamPosition | undefined
  publications: Publication[]
}

/** Reads the logs of channels, each page with one script. */
export class LogReader {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #store: Store

  constructor(connection: CommandConnection, scripts: ScriptedClient, keys: Keys, store: Store) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#store = store
  }

  /** Reads as in `Broker.since`. */
  async since(channel: Channel, cursor: Cursor, limit: PageLimit): Promise<LogPage> {
    // Nearly every cursor is continuous, so the entries are read together with the facts that decide about it.
    let from = cursor.seq === undefined ? END : cursor.epoch === undefined ? '' : String(cursor.seq)
    let read = await this.#read(channel, 'after', from, limit)
    let continuation: Continuation = continueFrom(read.log, cursor, read.store)
    // Below the floor there is nothing, so a read from further down is right. After a wipe or a failover it began too far up.
    while (from !== END && Number(from) > continuation.after) {
      from = String(continuation.after)
      read = await this.#read(channel, 'after', from, limit)
      continuation = continueFrom(read.log, cursor, read.store)
    }
    const { gap } = continuation
    const head = headOf(read.log)
    return {
      ...(gap === undefined ? {} : { gap }),
      publications: read.publications.filter(isAlive),
      head,
      ...(isUserChannel(channel) ? { counts: read.counts } : {}),
      complete: read.complete,
      end: read.complete ? head : (read.end ?? head),
    }
  }

  /** Reads as in `Broker.latest`. */
  async latest(channel: Channel, before: number | undefined, limit: PageLimit): Promise<LogPage> {
    const read = await this.#read(channel, 'before', before === undefined ? '' : String(before), limit)
    const head = headOf(read.log)
    return {
      publications: read.publications.reverse().filter(isAlive),
      head,
      complete: read.complete,
      end: read.end ?? head,
    }
  }

  async #read(
    channel: Channel,
    direction: 'after' | 'before',
    seq: string,
    limit: PageLimit,
  ): Promise<LogRead> {
    const keys = this.#keys.withIdentity(channel)
    const range = [direction, seq, limit.entries, limit.bytes] as const
    const isUser = isUserChannel(channel)
    const [top, floor, epochs, identity, complete, unread, unseen, last, ...entries] =
      await this.#connection.run(() => {
        const fresh = newIncarnation()
        if (isUser)
          return this.#scripts.userLogBuffer(...keys, ...this.#store.eventEnvelope(channel), ...range, fresh)
        const maxAge = this.#store.retentionOf(channel).seconds * 1000
        return this.#scripts.roomLogBuffer(...keys, Date.now(), maxAge, ...range, fresh)
      })
    const store = { identity: identity.toString(), keptFor: this.#store.keptFor(channel) }
    const log =
      epochs.length === 0
        ? unwrittenLog(store.identity, Date.now())
        : { seq: top, floor, epochs: parseEpochs(epochs.toString()) }
    const read = isUser ? readEntry((seq) => positionAt(log, seq).epoch) : undefined
    return {
      log,
      store,
      complete: complete === 1,
      counts: { unread, unseen },
      end: entries.length === 0 ? undefined : positionAt(log, Number(last)),
      publications: entries.flatMap((entry) => decodeOrSkip(channel, entry, read)),
    }
  }
}

const isAlive = ({ expiresAt }: Publication): boolean => expiresAt === 0 || expiresAt > Date.now()

/** Reads the epochs of a log, as the scripts keep them. */
function parseEpochs(text: string): LogState['epochs'] {
  const words = text.split(' ')
  return Array.from({ length: words.length / 2 }, (_, index) => ({
    epoch: words[2 * index]!,
    first: Number(words[2 * index + 1]),
  }))
}
