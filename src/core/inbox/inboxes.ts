import { openRemovalDraft, stateDraft } from '../drafts/server.ts'
import type { Broker } from '../engine/broker.ts'
import type { Engine } from '../engine/engine.ts'
import {
  type Acknowledgement,
  type Delivery,
  type Inbox,
  type InboxPage,
  type InboxQuery,
  MAX_MARKED,
  type Mark,
  type State,
} from '../engine/inbox.ts'
import type { WebhookQueue } from '../engine/webhook-queue.ts'
import { userChannel } from '../model/channel.ts'
import type { Counts, Item } from '../model/item.ts'
import { wakeWaiters } from './wake-waiters.ts'

/** The notifications that a user, or a program in the user's name, wants to mark, and the state. */
export interface MarkInput {
  /** Their ids; without it all. */
  ids?: readonly string[]
  /** With all: only those that were not updated after this time. RFC 3339. */
  before?: string
  state: State
  /** `false` takes the state away. */
  value: boolean
}

/**
 * The operations on the inboxes of users: builds the events that report them, wakes the calls that wait, and hastens webhooks. All methods
 * reject with the engine's error.
 */
export class Inboxes {
  readonly #inbox: Inbox
  readonly #broker: Broker
  readonly #webhookQueue: WebhookQueue

  constructor({ inbox, broker, webhookQueue }: Pick<Engine, 'inbox' | 'broker' | 'webhookQueue'>) {
    this.#inbox = inbox
    this.#broker = broker
    this.#webhookQueue = webhookQueue
  }

  /** Gives or takes a state; resolves to the counts after it. Tabs receive an event for each hundred ids of which something changed. */
  async mark(user: string, { ids, before, state, value }: MarkInput): Promise<Counts> {
    if (ids?.length === 0) return this.counts(user)
    const mark: Mark = { ids, state, value, at: new Date().toISOString() }
    if (ids === undefined) {
      if (before !== undefined) mark.before = new Date(before).toISOString()
      return this.#markOnce(user, mark)
    }
    let counts: Counts | undefined
    for (let start = 0; start < ids.length; start += MAX_MARKED)
      counts = await this.#markOnce(user, { ...mark, ids: ids.slice(start, start + MAX_MARKED) })
    return counts!
  }

  async #markOnce(user: string, mark: Mark): Promise<Counts> {
    const { ids, before, state, value, at } = mark
    const which = ids === undefined ? { all: true, before } : { ids }
    const { unread, unseen, withWebhook } = await this.#inbox.mark(
      stateDraft(user, { ...which, [`${state}At`]: value ? at : null }),
      mark,
    )
    await this.#hasten(withWebhook, value && state !== 'archived' ? at : undefined)
    return { unread, unseen }
  }

  /** Withdraws the notification with this id or tag from every tab; resolves to true if there was one. */
  async withdraw(user: string, idOrTag: string): Promise<boolean> {
    const withdrawn = await this.#inbox.withdraw(openRemovalDraft(user), idOrTag)
    if (withdrawn?.hasWebhook) await this.#hasten([withdrawn.id])
    return withdrawn !== undefined
  }

  /** Lists notifications, newest first. */
  list(user: string, query: InboxQuery): Promise<InboxPage> {
    return this.#inbox.list(userChannel(user), query)
  }

  /** Finds the notification with this id or tag; resolves to undefined if there is none. */
  find(user: string, idOrTag: string): Promise<Item | undefined> {
    return this.#inbox.find(userChannel(user), idOrTag)
  }

  /** Counts the unread and unseen notifications. */
  async counts(user: string): Promise<Counts> {
    const { unread, unseen } = await this.list(user, { ...EVERYTHING, limit: 0 })
    return { unread, unseen }
  }

  /** Notes that a tab has processed everything above the seq `above` up to `seq`, and wakes the calls that wait for that. */
  async acknowledge(user: string, seq: number, above = 0): Promise<void> {
    const at = new Date().toISOString()
    await this.#tellOf(await this.#inbox.acknowledge(userChannel(user), seq, at, above), at)
  }

  /** Does the same for several users, at most a hundred; resolves to the result of each, in the order of `acks`. Does not reject. */
  async acknowledgeAll(acks: readonly Acknowledgement[]): Promise<PromiseSettledResult<void>[]> {
    const at = new Date().toISOString()
    const results = await this.#inbox.acknowledgeAll(acks, at)
    return Promise.allSettled(
      results.map((result) =>
        result.status === 'fulfilled' ? this.#tellOf(result.value, at) : Promise.reject(result.reason),
      ),
    )
  }

  /** Wakes the calls that wait for these deliveries, and hastens their webhooks. */
  async #tellOf(delivered: readonly Delivery[], at: string): Promise<void> {
    if (delivered.length === 0) return
    await wakeWaiters(this.#broker, delivered)
    const withWebhook = delivered.filter((one) => one.hasWebhook).map(({ id }) => id)
    await this.#hasten(withWebhook, at)
  }

  /** Makes the webhooks of these notifications due now. If that is lost, their next look makes up for it. */
  async #hasten(ids: readonly string[], deliveredAt?: string): Promise<void> {
    if (ids.length > 0) await this.#webhookQueue.hasten(ids, Date.now(), deliveredAt)
  }
}

/** The query without any filter. */
export const EVERYTHING: Omit<InboxQuery, 'limit'> = {
  status: undefined,
  category: undefined,
  type: undefined,
  tag: undefined,
  before: undefined,
}
