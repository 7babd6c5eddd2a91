import type { Counts } from '../../src/core/model/item.ts'
import { type Publication, payloadOf } from '../../src/core/model/publication.ts'

/** A notification as a page keeps it. */
interface Kept {
  updatedAt: string
  seenAt: string | null
  readAt: string | null
  archivedAt: string | null
}

/** The payload of an event about notifications. */
type Payload = Kept & Counts & { id: string; ids?: string[]; before?: string }

const STATES = ['seenAt', 'readAt', 'archivedAt'] as const

/** The inbox as a page knows it that follows only the events. */
export class InboxPage {
  readonly items = new Map<string, Kept>()
  counts: Counts = { unread: 0, unseen: 0 }

  readonly hear = (publication: Publication): void => {
    const payload = payloadOf(publication) as unknown as Payload
    if (publication.event === 'state') this.#mark(payload)
    else if (publication.event === 'removed') for (const id of payload.ids ?? []) this.items.delete(id)
    else if (publication.event !== 'control') {
      const { id, updatedAt, seenAt, readAt, archivedAt } = payload
      this.items.set(id, { updatedAt, seenAt, readAt, archivedAt })
    }
    this.counts = { unread: payload.unread, unseen: payload.unseen }
  }

  #mark(payload: Payload): void {
    const state = STATES.find((name) => payload[name] !== undefined)!
    const ids = payload.ids ?? this.items.keys()
    for (const id of ids) {
      const item = this.items.get(id)
      if (item === undefined || (payload.before !== undefined && item.updatedAt > payload.before)) continue
      // A state that is there already keeps its time.
      if ((item[state] === null) !== (payload[state] === null)) item[state] = payload[state]
    }
  }
}
