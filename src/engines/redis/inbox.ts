import { randomUUIDv7 } from 'node:crypto'
import type { EngineOptions } from '../../core/engine/engine.ts'
import type {
  Delivery,
  Inbox,
  InboxPage,
  InboxQuery,
  Mark,
  Marked,
  Withdrawn,
} from '../../core/engine/inbox.ts'
import type { Channel } from '../../core/model/channel.ts'
import { encodeOpening } from '../../core/model/encoding.ts'
import type { Item, ProgressState } from '../../core/model/item.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { Envelope, InboxKeys, LogKeys, ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'

/** The index of each state among the words of a line, from 1 as in Lua. */
const WORD_OF = { seen: 7, read: 8, archived: 9 } as const

/** The word of a line for an absent value. */
export const NONE = '-'

/** The word of a line for a notification whose backend asked for a webhook. */
export const WITH_WEBHOOK = 'webhook'

/** A text that a backend has chosen as a word of a line: without spaces, and never `NONE`, which is the word for undefined. */
export const wordOf = (text: string | undefined): string =>
  text === undefined ? NONE : `=${encodeURIComponent(text)}`

const textOf = (word: string | undefined): string | undefined =>
  word === NONE ? undefined : decodeURIComponent(word!.slice(1))

/** The end of the arguments of `list-inbox-8`. */
type Wanted = [
  limit: number,
  before: number | '',
  status: string,
  category: string,
  type: string,
  idOrTag: string,
]

/** The notifications of users on Redis: hashes and a sorted set per user, one script per verb. */
export class RedisInbox implements Inbox {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #retention: EngineOptions['retention']

  constructor(
    connection: CommandConnection,
    scripts: ScriptedClient,
    keys: Keys,
    retention: EngineOptions['retention'],
  ) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#retention = retention
  }

  async mark(draft: Draft, mark: Mark): Promise<Marked> {
    const [changed, unread, unseen, ...withWebhook] = await this.#connection.run(() =>
      this.#scripts.mark(
        ...this.#address(draft.channel),
        encodeOpening(draft),
        WORD_OF[mark.state],
        mark.value ? mark.at : NONE,
        mark.before ?? '',
        ...(mark.ids ?? []),
      ),
    )
    return { changed: changed === 1, unread, unseen, withWebhook }
  }

  async withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined> {
    const [id, hasWebhook] = await this.#connection.run(() =>
      this.#scripts.withdraw(...this.#address(draft.channel), encodeOpening(draft), idOrTag),
    )
    return id === undefined ? undefined : { id, hasWebhook: hasWebhook === 1 }
  }

  async list(channel: Channel, query: InboxQuery): Promise<InboxPage> {
    const { status = '', category, type, before = '', limit, tag = '' } = query
    const filter = (text: string | undefined) => (text === undefined ? '' : wordOf(text))
    return this.#list(channel, [limit, before, status, filter(category), filter(type), tag])
  }

  async find(channel: Channel, idOrTag: string): Promise<Item | undefined> {
    const { items } = await this.#list(channel, [1, '', '', '', '', idOrTag])
    return items[0]
  }

  async acknowledge(channel: Channel, seq: number, at: string, above = 0): Promise<Delivery[]> {
    const [lines, , order] = this.#keys.inbox(channel)
    const delivered = await this.#connection.run(() =>
      this.#scripts.acknowledge(this.#keys.meta(channel), lines, order, seq, at, above),
    )
    return delivered.map((words) => {
      const [id, waiter, hasWebhook] = words.split(' ')
      return { id: id!, waiter: orNone(waiter), hasWebhook: hasWebhook === WITH_WEBHOOK }
    })
  }

  async #list(channel: Channel, wanted: Wanted): Promise<InboxPage> {
    const [seq, epoch, unread, unseen, complete, ...rest] = await this.#connection.run(() =>
      this.#scripts.listInbox(...this.#address(channel), ...wanted),
    )
    const items: Item[] = []
    for (let index = 0; index < rest.length; index += 3)
      items.push(itemOf(rest[index]!, rest[index + 1]!, rest[index + 2]!))
    return { seq, epoch, unread, unseen, complete: complete === 1, items }
  }

  /** The keys and the envelope, with which the arguments of every script on an inbox begin. */
  #address(channel: Channel): [...LogKeys, ...InboxKeys, ...Envelope] {
    const { count, seconds } = this.#retention.user
    return [
      ...this.#keys.logKeys(channel),
      ...this.#keys.inbox(channel),
      ...([this.#connection.runId, newIncarnation(), Date.now(), count] as const),
      ...([this.#connection.publishCommand, randomUUIDv7(), seconds * 1000] as const),
    ]
  }
}

const orNone = (word: string | undefined): string | undefined => (word === NONE ? undefined : word)

function itemOf(id: string, line: string, content: string): Item {
  const [
    seq,
    version,
    progressState,
    createdAt,
    updatedAt,
    expiresAt,
    seen,
    read,
    archived,
    delivered,
    connections,
    type,
    tag,
    category,
  ] = line.split(' ')
  return {
    id,
    seq: Number(seq),
    version: Number(version),
    progressState: progressState as ProgressState,
    createdAt: createdAt!,
    updatedAt: updatedAt!,
    expiresAt: expiresAt!,
    seenAt: orNone(seen),
    readAt: orNone(read),
    archivedAt: orNone(archived),
    deliveredAt: orNone(delivered),
    connections: Number(connections),
    type: textOf(type)!,
    tag: textOf(tag),
    category: textOf(category),
    content,
  }
}
