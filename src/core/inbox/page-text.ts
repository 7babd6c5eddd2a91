import type { InboxPage, InboxQuery } from '../engine/inbox.ts'
import { fieldsOf } from '../model/encoding.ts'
import { encodeInboxCursor } from './page-cursor.ts'

/** The notifications of a page as JSON texts, exactly as they were sent. */
export interface ItemTexts {
  texts: string[]
  /** The cursor of the next page; undefined at the end of the list. */
  nextCursor: string | undefined
  /** The seq above which the texts have everything, if the list is whole (see `isWhole`). */
  completeAbove: number
}

/** Writes as many notifications of a page as fit into `maxBytes` of UTF-8, and at least one; the rest come with the next page. */
export function writeItems({ items, complete, epoch }: InboxPage, maxBytes: number): ItemTexts {
  const texts: string[] = []
  let bytes = 0
  for (const item of items) {
    const text = `{${fieldsOf(item)},"seq":${item.seq},"epoch":"${epoch}"}`
    bytes += Buffer.byteLength(text)
    if (bytes > maxBytes && texts.length > 0) break
    texts.push(text)
  }
  const last = items[texts.length - 1]
  const hasMore = last !== undefined && (!complete || texts.length < items.length)
  return {
    texts,
    nextCursor: hasMore ? encodeInboxCursor(last.seq) : undefined,
    completeAbove: hasMore ? last.seq - 1 : 0,
  }
}

/** True if a list begins with the newest notification and has no filter. */
export const isWhole = ({ status, category, type, tag, before }: InboxQuery): boolean =>
  [status, category, type, tag, before].every((filter) => filter === undefined)
