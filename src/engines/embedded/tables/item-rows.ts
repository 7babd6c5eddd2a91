import type { Item, ProgressState } from '../../../core/model/item.ts'

/** A notification that was changed or removed. */
export interface Touched {
  id: string
  /** True if its backend asked for a webhook. */
  hasWebhook: boolean
}

/** A `Touched` as the table has it. */
export interface TouchedRow {
  id: string
  /** 0 or 1. */
  hasWebhook: number
}

/** The `Touched` of a row. */
export const touchedOf = ({ id, hasWebhook }: TouchedRow): Touched => ({ id, hasWebhook: hasWebhook === 1 })

/** The states of a notification, which decide about the counts. */
export type States = Pick<Item, 'seenAt' | 'readAt' | 'archivedAt'>

/** The states as the table has them. */
export interface StoredStates {
  seen: string | null
  read: string | null
  archived: string | null
}

/** The states of a row. */
export const statesOf = ({ seen, read, archived }: StoredStates): States => ({
  seenAt: seen ?? undefined,
  readAt: read ?? undefined,
  archivedAt: archived ?? undefined,
})

/** A notification as the table has it. */
export interface StoredItem extends StoredStates {
  id: string
  seq: number
  version: number
  tag: string | null
  type: string
  category: string | null
  progressState: ProgressState
  created: string
  updated: string
  expires: string
  delivered: string | null
  connections: number
  content: string
}

/** The notification of a row. */
export function itemOf(stored: StoredItem): Item {
  const { id, seq, version, type, progressState, content, connections } = stored
  return {
    ...{ id, seq, version, type, progressState, content, connections },
    tag: stored.tag ?? undefined,
    category: stored.category ?? undefined,
    createdAt: stored.created,
    updatedAt: stored.updated,
    expiresAt: stored.expires,
    deliveredAt: stored.delivered ?? undefined,
    ...statesOf(stored),
  }
}
