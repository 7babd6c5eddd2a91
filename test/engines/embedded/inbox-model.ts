import type { InboxQuery, Mark } from '../../../src/core/engine/inbox.ts'
import { type Counts, endOf, type Item, type ItemDraft } from '../../../src/core/model/item.ts'

/** A notification as the model has it: what an engine would list. */
export type Modelled = ReturnType<InboxModel['view']>

/** An inbox as an array: slow, and easy to see through. */
export class InboxModel {
  readonly #count: number
  readonly #seconds: number
  /** Oldest first. */
  items: Modelled[] = []
  trimmed = 0
  expired = 0
  #lastUpdated = ''

  /** `count` and `seconds`: the retention. */
  constructor(count: number, seconds: number) {
    this.#count = count
    this.#seconds = seconds
  }

  /** The part of an item that the model has, too. */
  view({ id, seq, tag, type, category, version, content, createdAt, updatedAt, expiresAt, ...states }: Item) {
    const { seenAt, readAt, archivedAt, deliveredAt } = states
    const item = { id, seq, tag, type, category, version, content, createdAt, updatedAt, expiresAt }
    return { ...item, seenAt, readAt, archivedAt, deliveredAt }
  }

  get counts(): Counts {
    const unread = this.list({ status: 'unread' })
    return { unread: unread.length, unseen: this.list({ status: 'unseen' }).length }
  }

  put(draft: ItemDraft & { id: string; seq: number; createdAt: number }): void {
    const { id, seq, tag, type, category, content, updatedAt: given } = draft
    const updatedAt = given > this.#lastUpdated ? given : this.#lastUpdated
    this.#lastUpdated = updatedAt
    const replaced = tag === undefined ? undefined : this.items.find((item) => item.tag === tag)
    const kept = draft.renotify ? undefined : replaced
    if (replaced !== undefined) this.#remove(replaced)
    this.items.push({
      ...{ id: replaced?.id ?? id, seq, tag, type, category, version: (replaced?.version ?? 0) + 1, content },
      ...{ createdAt: replaced?.createdAt ?? given, updatedAt },
      expiresAt: endOf(draft, draft.createdAt, this.#seconds).text,
      ...{ seenAt: kept?.seenAt, readAt: kept?.readAt, archivedAt: kept?.archivedAt, deliveredAt: undefined },
    })
    if (this.items.length <= this.#count) return
    this.items.shift()
    this.trimmed++
  }

  /** Returns true if anything changed. */
  mark({ ids, before, state, value, at }: Mark): boolean {
    const key = `${state}At` as const
    const changed = this.items.filter(
      (item) =>
        (ids === undefined ? before === undefined || item.updatedAt <= before : ids.includes(item.id)) &&
        (item[key] !== undefined) !== value,
    )
    for (const item of changed) item[key] = value ? at : undefined
    return changed.length > 0
  }

  withdraw(idOrTag: string): Modelled | undefined {
    const found = this.items.find(({ id, tag }) => id === idOrTag || tag === idOrTag)
    if (found !== undefined) this.#remove(found)
    return found
  }

  acknowledge(above: number, upTo: number, at: string): void {
    for (const item of this.items) if (item.seq > above && item.seq <= upTo) item.deliveredAt ??= at
  }

  expire(now: number): void {
    const ended = this.items.filter(({ expiresAt }) => Date.parse(expiresAt) <= now)
    for (const item of ended) this.#remove(item)
    this.expired += ended.length
  }

  /** All that fit a query, newest first, whatever its limit. */
  list({ status, category, type, tag, before }: Partial<InboxQuery>): Modelled[] {
    const fits = {
      active: ({ archivedAt }: Modelled) => archivedAt === undefined,
      unread: ({ readAt, archivedAt }: Modelled) => (readAt ?? archivedAt) === undefined,
      unseen: ({ seenAt, readAt, archivedAt }: Modelled) => (seenAt ?? readAt ?? archivedAt) === undefined,
      read: ({ readAt, archivedAt }: Modelled) => readAt !== undefined && archivedAt === undefined,
      archived: ({ archivedAt }: Modelled) => archivedAt !== undefined,
    }
    return this.items
      .toReversed()
      .filter(
        (item) =>
          (status === undefined || fits[status](item)) &&
          (category === undefined || item.category === category) &&
          (type === undefined || item.type === type) &&
          (tag === undefined || item.tag === tag) &&
          (before === undefined || item.seq < before),
      )
  }

  #remove(item: Modelled): void {
    this.items = this.items.filter((other) => other !== item)
  }
}
