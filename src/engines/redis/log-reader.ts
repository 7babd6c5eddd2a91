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
  type StreamPosition,
} from '../../core/model/position.ts'
import type { Publication } from '../../core/model/publication.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'
import type { Store } from './store.ts'

/** A seq that no log reaches: reading after it brings nothing but the log's state. */
const END = '9007199254740991'

/** What the script that reads a log answered. */
interface LogRead {
  log: LogState
  complete: boolean
  /** Of the inbox, if it is the log of a user. */
  counts: Counts
  /** Where the reading ended, whether what lies there could be decoded or not; undefined if nothing was read. */
  end: StreamPosition | undefined
  publications: Publication[]
}

/** Reads the logs of channels, a page with one script, and judges what a cursor in them is worth. */
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

  /** As `Broker.since`. */
  async since(channel: Channel, cursor: Cursor, limit: PageLimit): Promise<LogPage> {
    // Nearly every cursor is continuous: the entries are read along with the facts by which that is judged.
    let from = cursor.seq === undefined ? END : cursor.epoch === undefined ? '' : String(cursor.seq)
    let read = await this.#read(channel, 'after', from, limit)
    let judged: Continuation = continueFrom(read.log, cursor)
    // Below the floor there is nothing, so what was read from too far down is right. After a wipe or a failover it was too far up.
    while (from !== END && Number(from) > judged.after) {
      from = String(judged.after)
      read = await this.#read(channel, 'after', from, limit)
      judged = continueFrom(read.log, cursor)
    }
    const { gap } = judged
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

  /** As `Broker.latest`. */
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
    const [top, floor, epochs, complete, unread, unseen, last, ...messages] = await this.#connection.run(() =>
      this.#scripts.readLogBuffer(
        this.#keys.log(channel),
        this.#keys.meta(channel),
        this.#keys.inbox(channel)[0],
        newIncarnation(),
        Date.now(),
        this.#store.retentionOf(channel).seconds * 1000,
        direction,
        seq,
        limit.entries,
        limit.bytes,
      ),
    )
    const log = { seq: top, floor, epochs: parseEpochs(epochs.toString()) }
    return {
      log,
      complete: complete === 1,
      counts: { unread, unseen },
      end: messages.length === 0 ? undefined : positionAt(log, Number(last)),
      publications: messages.flatMap((message) => decodeOrSkip(channel, message)),
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
