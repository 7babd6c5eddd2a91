/** The words of a notification's entry, and its frame; `scripts/inbox.lua` explains them. */
import { crc32 } from 'node:zlib'
import type { Channel } from '../../core/model/channel.ts'
import { decode, encodeItem } from '../../core/model/encoding.ts'
import type { Item, ProgressState } from '../../core/model/item.ts'
import type { Publication, PublicationEvent } from '../../core/model/publication.ts'

/** The word for an absent value. */
export const NONE = '-'

/** The word for a notification whose backend asked for a webhook. */
export const WITH_WEBHOOK = 'webhook'

/** A text that a backend has chosen as a word: without spaces, and never `NONE`, which is the word for undefined. */
export const wordOf = (text: string | undefined): string =>
  text === undefined ? NONE : `=${encodeURIComponent(text)}`

/** The hash of a word in the index: the lowest two bytes of its CRC-32 (ISO 3309). */
export const hashOf = (word: string): number => crc32(word) & 0xffff

const textOf = (word: string | undefined): string | undefined =>
  word === NONE ? undefined : decodeURIComponent(word!.slice(1))

/** The word for an absent value as undefined. */
export const orNone = (word: string | undefined): string | undefined => (word === NONE ? undefined : word)

const timeOf = (milliseconds: string | undefined): string | undefined =>
  milliseconds === undefined || milliseconds === NONE || milliseconds === '0'
    ? undefined
    : new Date(Number(milliseconds)).toISOString()

/** The times at which a notification was seen, read, archived and delivered, in milliseconds since the epoch; 0 for never. */
export type StateTimes = [seen: string, read: string, archived: string, delivered: string]

/** An entry taken apart. */
interface Entry {
  item: Item
  event: PublicationEvent
  createdAt: number
  expiresAt: number
  except: string
  unread: number
  unseen: number
  alert: boolean
  isAwaited: boolean
}

/** Takes an entry apart, with the states as they were when it was stored. */
function parse(entry: string): Entry {
  const line = entry.indexOf('\n')
  const [seq, event, id, createdAt, expiresAt, except, ends, sent, waiter, webhook, ...more] = entry
    .slice(0, line)
    .split(' ')
  const [version, progressState, ...rest] = more
  const [type, tag, category, unread, unseen, alert, created, updated = createdAt, ...states] = rest
  return {
    item: {
      id: id!,
      seq: Number(seq),
      version: Number(version),
      progressState: progressState as ProgressState,
      createdAt: created ?? timeOf(createdAt)!,
      updatedAt: timeOf(updated)!,
      expiresAt: timeOf(ends)!,
      seenAt: timeOf(states[0]),
      readAt: timeOf(states[1]),
      archivedAt: timeOf(states[2]),
      deliveredAt: undefined,
      connections: Number(sent),
      type: textOf(type)!,
      tag: textOf(tag),
      category: textOf(category),
      content: entry.slice(line + 1),
    },
    event: event as PublicationEvent,
    createdAt: Number(createdAt),
    expiresAt: Number(expiresAt),
    except: orNone(except) ?? '',
    unread: Number(unread),
    unseen: Number(unseen),
    alert: alert === '1',
    isAwaited: waiter !== NONE || webhook !== NONE,
  }
}

/** The notification of an entry, with its present states. */
export function itemOf(entry: string, [seen, read, archived, delivered]: StateTimes): Item {
  return {
    ...parse(entry).item,
    seenAt: timeOf(seen),
    readAt: timeOf(read),
    archivedAt: timeOf(archived),
    deliveredAt: timeOf(delivered),
  }
}

/** True if these bytes are the entry of a notification, and not the message of an event, which has an epoch behind its seq. */
const isEntry = (bytes: Buffer): boolean => {
  const word = bytes.indexOf(0x20) + 1
  return bytes.subarray(word, bytes.indexOf(0x20, word)).indexOf(0x2e) < 0
}

/**
 * Creates a function that reads what the log of a user has: the message of an event, or the entry of a notification, as it was shown. It throws if
 * it is neither.
 */
export const readEntry =
  (epochOf: (seq: number) => string) =>
  (channel: Channel, bytes: Buffer): Publication => {
    if (!isEntry(bytes)) return decode(channel, bytes)
    const { item, alert, isAwaited, unread, unseen, ...draft } = parse(bytes.toString())
    return decode(
      channel,
      Buffer.from(encodeItem({ ...draft }, item, epochOf(item.seq), { unread, unseen }, alert, isAwaited)),
    )
  }
