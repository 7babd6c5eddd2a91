import type { Channel } from './channel.ts'
import type { ItemDraft } from './item.ts'

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
  return { ...publication, packet: Buffer.concat([rest, alert ? ALERT : NO_ALERT]) }
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
