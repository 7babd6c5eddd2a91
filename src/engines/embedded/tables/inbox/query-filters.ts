import type { InboxQuery, Status } from '../../../../core/engine/inbox.ts'
import { FLAGS, NOT_UNREAD, NOT_UNSEEN } from './block.ts'
import { hashOfCategory, hashOfType, KEY } from './item-key.ts'
import type { Line, StoredItem } from './item-row.ts'

/** True if a notification has the tag of a query. */
export const fitsTag = ({ tag }: InboxQuery, stored: StoredItem): boolean =>
  tag === undefined || tag === stored.tag

/** True if a notification has the type and the category of a query: the same hashes are not enough. */
export const fitsWords = (
  { type, category }: InboxQuery,
  [, , , , , , , ofType, ofCategory]: Line,
): boolean => (type === undefined || type === ofType) && (category === undefined || category === ofCategory)

/** True if a notification with these flags has a status. */
export function fitsStatus(status: Status | undefined, flags: number): boolean {
  switch (status) {
    case 'active':
      return (flags & FLAGS.archived) === 0
    case 'unread':
      return (flags & NOT_UNREAD) === 0
    case 'unseen':
      return (flags & NOT_UNSEEN) === 0
    case 'read':
      return (flags & NOT_UNREAD) === FLAGS.read
    case 'archived':
      return (flags & FLAGS.archived) !== 0
    default:
      return true
  }
}

/** The hashes of what a query filters by, as `FILTERS` takes them. */
export function filtersOf({ type, category }: InboxQuery): (number | null)[] {
  const [ofType, ofCategory] = [
    type === undefined ? null : hashOfType(type),
    category === undefined ? null : hashOfCategory(category),
  ]
  return [ofType, ofType, ofCategory, ofCategory]
}

/** The condition that leaves out what does not fit by its key; it takes what `filtersOf` returns. */
export const FILTERS = `(? IS NULL OR ${KEY.type} = ?) AND (? IS NULL OR ${KEY.category} = ?)`
