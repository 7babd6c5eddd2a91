import type { Channel } from './channel.ts'
import type { Counts, Item, ItemDraft } from './item.ts'

/**
 * What a publication is to a tab, or to the server itself (`control`, which no tab is shown). `progress` is a notification of a task that is
 * under way: the next one replaces it. `state` and `removed` tell of what became of notifications, `presence` of who comes and goes.
 */
export type PublicationEvent =
  | 'notification'
  | 'progress'
  | 'message'
  | 'state'
  | 'removed'
  | 'presence'
  | 'control'

/**
 * A publication before an engine has numbered it. `head` and `tail` are the finished Socket.IO event as JSON text, open at the
 * one place where the engine splices `seq` and `epoch`: content is never decoded on its way, so it arrives as it was sent.
 */
export interface Draft {
  channel: Channel
  /** UUIDv7 (RFC 9562). */
  id: string
  event: PublicationEvent
  head: string
  tail: string
  /** `false`: carried to those who listen now, not stored, without a seq. */
  stored: boolean
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Milliseconds since the epoch; 0: it lives as long as the log's retention. */
  expiresAt: number
  /** The connection that is left out of the live delivery. */
  except?: string
  idempotency?: Idempotency
  /** Its place in the user's inbox. `head` ends before the fields of the content then, and the store adds what it knows. */
  item?: ItemDraft
}

/** What makes a repeated publish the same publish. */
export interface Idempotency {
  /** Unique within the channel: the credential and the caller's key, hashed. */
  key: string
  /** A hash of the validated body. */
  fingerprint: string
}

/** A publication as it comes out of an engine, live or read from the log. */
export interface Publication {
  channel: Channel
  /** 0 for one that was not stored. */
  seq: number
  /** Empty for one that was not stored. */
  epoch: string
  id: string
  event: PublicationEvent
  createdAt: number
  expiresAt: number
  /** The connection that is left out, or empty. */
  except: string
  /** `["event",{…}]` as UTF-8 JSON. */
  packet: Buffer
  /** Room for the transport's own encoding, so that one publication is encoded once for all who receive it. */
  frame: Buffer | undefined
}

/**
 * The part of the wire form that is known before the seq is: what follows `<seq> <epoch> `, up to the place where seq and
 * epoch are spliced in. Fields of the first line never contain a space. Throws if one of them could not be read again.
 */
export function encodeOpening(draft: Draft): string {
  return `${draft.event} ${wordOf(draft.id)}${encodeEnding(draft)}\n${draft.head}`
}

/** What follows on the id in the first line. Throws like `encodeOpening`. */
export function encodeEnding({ createdAt, expiresAt, except = '' }: Draft): string {
  return ` ${createdAt} ${expiresAt} ${wordOf(except)}`
}

const WORD = /^[!-~]*$/

/** Whatever has let it in: one that can't be read again would be in everybody's way for as long as it is stored. */
function wordOf(text: string): string {
  if (!WORD.test(text)) throw new Error(`${JSON.stringify(text)} can not stand in the line of a publication`)
  return text
}

/** The complete wire form of a draft that got this seq and epoch: one line of fields, then the packet. */
export function encode(draft: Draft, seq: number, epoch: string): string {
  return `${seq} ${epoch} ${encodeOpening(draft)},"seq":${seq},"epoch":"${epoch}"${draft.tail}`
}

/** The event that tells that notifications are gone, open at its end. */
export function removalDraft(
  event: Pick<Draft, 'channel' | 'id' | 'createdAt'>,
  ids: readonly string[],
): Draft {
  const { channel, id, createdAt } = event
  const head = `["notification:removed",{"ids":${JSON.stringify(ids)}`
  return { channel, id, createdAt, event: 'removed', head, tail: '', stored: true, expiresAt: 0 }
}

/** Somebody came into a room or left it, and how many users are there now. */
export interface PresenceChange {
  room: string
  user: string
  action: 'join' | 'leave'
  count: number
}

/** The event that tells who came or went; it is only carried. */
export function presenceDraft(
  event: Pick<Draft, 'channel' | 'id' | 'createdAt'>,
  change: PresenceChange,
): Draft {
  const head = `["presence",${JSON.stringify(change).slice(0, -1)}`
  return { ...event, event: 'presence', head, tail: '}]', stored: false, expiresAt: 0 }
}

/** The complete wire form of a draft that is only carried. */
export function encodeUnstored(draft: Draft): string {
  return `0  ${encodeOpening(draft)}${draft.tail}`
}

/** The wire form of a notification as its inbox has it now, with the counts after it. */
export function encodeItem(draft: Draft, item: Item, epoch: string, counts: Counts, alert: boolean): string {
  const line = `${item.seq} ${epoch} ${draft.event} ${item.id}${encodeEnding(draft)}`
  const place = `"seq":${item.seq},"epoch":"${epoch}","unread":${counts.unread},"unseen":${counts.unseen}`
  return `${line}\n["notification",{${fieldsOf(item)},${place},"alert":${alert}}]`
}

/** A notification as JSON text: what the backend said, then what the store knows, without the braces. */
export function fieldsOf(item: Item): string {
  const { id, content, version, createdAt, updatedAt, expiresAt } = item
  const times = `"createdAt":"${createdAt}","updatedAt":"${updatedAt}","expiresAt":"${expiresAt}"`
  const states = `"seenAt":${quoted(item.seenAt)},"readAt":${quoted(item.readAt)},"archivedAt":${quoted(item.archivedAt)}`
  return `"id":"${id}",${content},"version":${version},${times},${states}`
}

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

/** Reads the wire form of a publication. Throws if the text is not one. */
export function decode(channel: Channel, message: Buffer): Publication {
  const line = message.indexOf(10)
  const [seq, epoch, event, id, createdAt, expiresAt, except] = message.toString('latin1', 0, line).split(' ')
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
    packet: message.subarray(line + 1),
    frame: undefined,
  }
}

/** The same for what is read from a log, into which others may have put rubbish: that is passed over, and holds up nothing behind it. */
export function decodeOrSkip(channel: Channel, message: Buffer): Publication[] {
  try {
    return [decode(channel, message)]
  } catch {
    return []
  }
}

const ALERT = Buffer.from(',"alert":true}]')
const NO_ALERT = Buffer.from(',"alert":false}]')

/** Whether a notification may toast or sound. */
export function alertsIn({ event, packet }: Publication): boolean {
  const start = packet.length - ALERT.length
  return (
    (event === 'notification' || event === 'progress') && start >= 0 && ALERT.compare(packet, start) === 0
  )
}

/** The same notification, which may toast or sound, or may not. */
export function withAlert(publication: Publication, alert: boolean): Publication {
  const alerts = alertsIn(publication)
  if (alerts === alert) return publication
  const { packet } = publication
  const rest = packet.subarray(0, packet.length - (alerts ? ALERT : NO_ALERT).length)
  return { ...publication, packet: Buffer.concat([rest, alert ? ALERT : NO_ALERT]), frame: undefined }
}

/** The same publication for a tab that was away: what alerted once does not alert again. */
export const asReplay = (publication: Publication): Publication =>
  alertsIn(publication) ? withAlert(publication, false) : publication

/** The payload of a publication, parsed. */
export function payloadOf(publication: Publication): Record<string, unknown> {
  return JSON.parse(publication.packet.toString())[1]
}

/** The payload of a publication as JSON text, exactly as it travels. */
export function payloadTextOf(publication: Publication): string {
  const text = publication.packet.toString()
  return text.slice(text.indexOf(',') + 1, -1)
}
