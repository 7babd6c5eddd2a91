/** The wire form in which engines store publications and pass them on: one line of words, then the packet as it goes to the tabs. */
import type { Channel } from './channel.ts'
import type { Counts, Item } from './item.ts'
import type { Draft, Publication, PublicationEvent } from './publication.ts'

/**
 * The part of the wire form that is known before the seq is: all behind `<seq> <epoch> `, up to the point where seq and
 * epoch are spliced in. Fields of the first line never contain a space. Throws if one of them could not be read again.
 */
export function encodeOpening(draft: Draft): string {
  return `${draft.event} ${wordOf(draft.id)}${encodeEnding(draft)}\n${draft.head}`
}

/** The rest of the first line, behind the id. Throws like `encodeOpening`. */
export function encodeEnding({ createdAt, expiresAt, except = '' }: Stamped): string {
  return ` ${createdAt} ${expiresAt} ${wordOf(except)}`
}

/** The end of the first line of a notification for whose acknowledgement somebody waits. */
const AWAITED = ' awaited'

const WORD = /^[!-~]*$/

/** Checked here as well, however the text came in: an entry that cannot be read would be in everybody's way for as long as it is stored. */
function wordOf(text: string): string {
  if (!WORD.test(text))
    throw new TypeError(`${JSON.stringify(text)} cannot be part of the first line of a publication`)
  return text
}

/** The complete wire form of a draft that is stored, with the seq and epoch that it received. */
export function encode(draft: Draft, seq: number, epoch: string): string {
  return `${seq} ${epoch} ${encodeOpening(draft)},"seq":${seq},"epoch":"${epoch}"${draft.tail}`
}

/** The complete wire form of an ephemeral draft. */
export function encodeUnstored(draft: Draft): string {
  return `0  ${encodeOpening(draft)}${draft.tail}`
}

/** The part of a draft that the first line of the wire form has. */
type Stamped = Pick<Draft, 'event' | 'createdAt' | 'expiresAt' | 'except'>

/** The wire form of a notification as its inbox has it now, with the counts after the change. `isAwaited`: as in `Publication`. */
export function encodeItem(
  draft: Stamped,
  item: Item,
  epoch: string,
  counts: Counts,
  alert: boolean,
  isAwaited: boolean,
): string {
  const line = `${item.seq} ${epoch} ${draft.event} ${item.id}${encodeEnding(draft)}${isAwaited ? AWAITED : ''}`
  return `${line}\n${itemPacket(item, epoch, counts, alert)}`
}

/** The packet of a notification as its inbox has it, with the counts after the change. */
export function itemPacket(item: Item, epoch: string, counts: Counts, alert: boolean): string {
  const position = `"seq":${item.seq},"epoch":"${epoch}","unread":${counts.unread},"unseen":${counts.unseen}`
  return `["notification",{${fieldsOf(item)},${position},"alert":${alert}}]`
}

/** A notification as JSON text without the braces: the backend's fields, then those of the store. */
export const fieldsOf = (item: Item): string => `"id":"${item.id}",${item.content}${stampOf(item)}`

/** The fields of the store as JSON text, with a comma before each. */
export function stampOf(item: Stamp): string {
  const { version, createdAt, updatedAt, expiresAt } = item
  const times = `"createdAt":"${createdAt}","updatedAt":"${updatedAt}","expiresAt":"${expiresAt}"`
  const states = `"seenAt":${quoted(item.seenAt)},"readAt":${quoted(item.readAt)},"archivedAt":${quoted(item.archivedAt)}`
  return `,"version":${version},${times},${states}`
}

type Stamp = Pick<Item, 'version' | 'createdAt' | 'updatedAt' | 'expiresAt'> &
  Partial<Pick<Item, 'seenAt' | 'readAt' | 'archivedAt'>>

const quoted = (time: string | undefined): string => (time === undefined ? 'null' : `"${time}"`)

const EVENTS: ReadonlySet<string> = new Set<PublicationEvent>([
  'notification',
  'progress',
  'message',
  'state',
  'removed',
  'presence',
  'control',
])

/** Reads the wire form of a publication of a channel. Throws if the bytes are not one. */
export function decode(channel: Channel, message: Buffer): Publication {
  const line = message.indexOf(10)
  const [seq, epoch, event, id, createdAt, expiresAt, except, awaited] = message
    .toString('latin1', 0, line)
    .split(' ')
  const number = Number(seq)
  const bracketed = message[line + 1] === 0x5b && message.at(-1) === 0x5d
  if (
    line < 0 ||
    except === undefined ||
    !bracketed ||
    !EVENTS.has(event!) ||
    !Number.isSafeInteger(number) ||
    number < 0
  )
    throw new Error('not a publication')
  return {
    channel,
    seq: number,
    epoch: epoch!,
    event: event as PublicationEvent,
    id: id!,
    createdAt: Number(createdAt),
    expiresAt: Number(expiresAt),
    except,
    isAwaited: awaited !== undefined,
    packet: message.subarray(line + 1),
  }
}

/**
 * Reads an entry of a log, which others may have put rubbish into: an empty list for rubbish, so that it holds up nothing behind it. `read`: reads
 * an entry that is stored in another form.
 */
export function decodeOrSkip(
  channel: Channel,
  entry: Buffer,
  read: (channel: Channel, entry: Buffer) => Publication = decode,
): Publication[] {
  try {
    return [read(channel, entry)]
  } catch {
    return []
  }
}
