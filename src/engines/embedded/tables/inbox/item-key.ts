import type { Item } from '../../../../core/model/item.ts'

/**
 * The key of a notification in its index: what is asked for without looking at the notification itself. From the highest bit: 22 bits of a hash of
 * its id, 12 of its type, 11 of its category (0: none), whether its end is not in the order of the log, and whether somebody asked to hear of it.
 * Two can have the same hashes, so a hit has to be compared with the notification.
 */
export const keyOf = (
  { id, type, category }: Pick<Item, 'id' | 'type' | 'category'>,
  isApart: boolean,
  isAsked: boolean,
): number =>
  hashOfId(id) * 2 ** 25 +
  hashOfType(type) * 2 ** 13 +
  hashOfCategory(category) * 4 +
  (isApart ? 2 : 0) +
  (isAsked ? 1 : 0)

/** The parts of a key, as expressions of SQL. */
export const KEY = {
  id: 'key >> 25',
  type: '(key >> 13 & 4095)',
  category: '(key >> 2 & 2047)',
  isApart: '(key & 2)',
  isAsked: '(key & 1)',
}

/** The part of a key that comes from the id. */
export const hashOfId = (id: string): number => hash(id) & 0x3fffff

/** The part of a key that comes from the type. */
export const hashOfType = (type: string): number => hash(type) & 0xfff

/** The part of a key that comes from the category. */
export const hashOfCategory = (category: string | undefined): number =>
  category === undefined ? 0 : 1 + (hash(category) % 2047)

/** True if the end of a notification with this key is not in the order of the log. */
export const isApart = (key: number): boolean => (key & 2) !== 0

/** True if a notification with this key has a waiter or a webhook. */
export const isAsked = (key: number): boolean => (key & 1) !== 0

/** FNV-1a over the code units, with its upper half folded in. */
function hash(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
