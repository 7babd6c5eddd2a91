import type {
  Acknowledgement,
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
import type { Item } from '../../core/model/item.ts'
import { unwrittenEpoch } from '../../core/model/position.ts'
import type { Draft } from '../../core/model/publication.ts'
import { hashOf, itemOf, orNone, type StateTimes, WITH_WEBHOOK, wordOf } from './entry.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ChannelKeys, EventEnvelope, ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'
import type { Store } from './store.ts'

/** The end of the arguments of `list-2`. */
type Wanted = [
  limit: number,
  before: number | '',
  status: string,
  type: string,
  typeHash: number,
  category: string,
  categoryHash: number,
  id: string,
  tag: string,
]

/** The notifications of users on Redis, one script per verb; `scripts/inbox.lua` explains how they are kept. */
export class RedisInbox implements Inbox {
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

  async mark(draft: Draft, { ids = [], before, state, value, at }: Mark): Promise<Marked> {
    const [changed, unread, unseen, ...withWebhook] = await this.#connection.run(() =>
      this.#scripts.mark(
        ...this.#address(draft.channel),
        encodeOpening(draft),
        state,
        value ? Date.parse(at) : '',
        before === undefined ? '' : Date.parse(before),
        ...(ids as [string]),
      ),
    )
    return { changed: changed === 1, unread, unseen, withWebhook }
  }

  async withdraw(draft: Draft, idOrTag: string): Promise<Withdrawn | undefined> {
    const [id, hasWebhook] = await this.#connection.run(() =>
      this.#scripts.withdraw(...this.#address(draft.channel), encodeOpening(draft), idOrTag, wordOf(idOrTag)),
    )
    return id === undefined ? undefined : { id, hasWebhook: hasWebhook === 1 }
  }

  async list(channel: Channel, query: InboxQuery): Promise<InboxPage> {
    const { status = '', before = '', limit } = query
    const filter = (text: string | undefined) => (text === undefined ? '' : wordOf(text))
    const [type, category, tag] = [filter(query.type), filter(query.category), filter(query.tag)]
    return this.#list(channel, [
      limit,
      before,
      status,
      type,
      hashOf(type),
      category,
      hashOf(category),
      '',
      tag,
    ])
  }

  async find(channel: Channel, idOrTag: string): Promise<Item | undefined> {
    const { items } = await this.#list(channel, [1, '', '', '', 0, '', 0, idOrTag, wordOf(idOrTag)])
    return items[0]
  }

  async acknowledge(channel: Channel, seq: number, at: string, above = 0): Promise<Delivery[]> {
    const [delivered] = await this.#acknowledge(this.#keys.of(channel), [{ channel, seq, above }], at)
    return (delivered as string[]).map(deliveryOf)
  }

  async acknowledgeAll(
    acks: readonly Acknowledgement[],
    at: string,
  ): Promise<PromiseSettledResult<Delivery[]>[]> {
    const alone = ({ channel, seq, above }: Acknowledgement) => this.acknowledge(channel, seq, at, above)
    if (acks.length < 2 || this.#connection.isCluster) return Promise.allSettled(acks.map(alone))
    const bases = acks.map(({ channel }) => this.#keys.base(channel)) as [string]
    try {
      const results = await this.#acknowledge([acks.length, ...bases], acks, at)
      return await Promise.allSettled(
        // One that has failed tells why when it is called alone.
        results.map((delivered, index) =>
          delivered === '' ? alone(acks[index]!) : delivered.map(deliveryOf),
        ),
      )
    } catch (reason) {
      return acks.map(() => ({ status: 'rejected', reason }))
    }
  }

  #acknowledge(keys: ChannelKeys, acks: readonly Acknowledgement[], at: string): Promise<(string[] | '')[]> {
    const pairs = acks.flatMap(({ seq, above }) => [seq, above]) as [number, number]
    const lifetime = this.#store.lifetimeOf(acks[0]!.channel)
    return this.#connection.run(() => this.#scripts.acknowledge(...keys, Date.parse(at), lifetime, ...pairs))
  }

  async #list(channel: Channel, wanted: Wanted): Promise<InboxPage> {
    const [seq, epoch, identity, unread, unseen, complete, ...rest] = await this.#connection.run(() =>
      this.#scripts.list(
        ...this.#keys.withIdentity(channel),
        ...this.#store.eventEnvelope(channel),
        ...wanted,
        newIncarnation(),
      ),
    )
    const items: Item[] = []
    for (let index = 0; index < rest.length; index += 5)
      items.push(itemOf(rest[index]!, rest.slice(index + 1, index + 5) as StateTimes))
    const position = { seq, epoch: epoch === '' ? unwrittenEpoch(identity, Date.now()) : epoch }
    return { ...position, unread, unseen, complete: complete === 1, items }
  }

  #address(channel: Channel): [...ChannelKeys, ...EventEnvelope] {
    return [...this.#keys.of(channel), ...this.#store.eventEnvelope(channel)]
  }
}

function deliveryOf(words: string): Delivery {
  const [id, waiter, hasWebhook] = words.split(' ')
  return { id: id!, waiter: orNone(waiter), hasWebhook: hasWebhook === WITH_WEBHOOK }
}
