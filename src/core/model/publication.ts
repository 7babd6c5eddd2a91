import type { Channel } from './channel.ts'
import type { ItemDraft } from './item.ts'

/**
 * The kind of a publication. `control` is for the server itself, and no tab receives it. `progress` is a notification of a task that is under
 * way: the next one replaces it. `state` and `removed` report changes of notifications, `presence` the users who come and go.
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
 * A publication before an engine has numbered it. `head` and `tail` are the finished Socket.IO event as JSON text, open where the engine
 * splices in `seq` and `epoch`: content is never decoded on its way, so it arrives as it was sent.
 */
export interface Draft {
  channel: Channel
  /** UUIDv7 (RFC 9562). */
  id: string
  event: PublicationEvent
  head: string
  tail: string
  /** `false`: ephemeral, for those who listen now, without a seq. */
  stored: boolean
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Milliseconds since the epoch; 0: as long as the log's retention. */
  expiresAt: number
  /** The connection that is left out of the live delivery. */
  except?: string
  idempotency?: Idempotency
  /** The item of the user's inbox that it becomes. `head` ends before the fields of the content then, and the store adds its own. */
  item?: ItemDraft
}

/** The key and fingerprint by which a repeated publish is recognised. */
export interface Idempotency {
  /** Unique within the channel: the credential and the caller's key, hashed. */
  key: string
  /** A hash of the validated body. */
  fingerprint: string
}

/** A publication as it comes out of an engine, live or read from the log. */
export interface Publication {
  channel: Channel
  /** 0 if it is ephemeral. */
  seq: number
  /** Empty if it is ephemeral. */
  epoch: string
  id: string
  event: PublicationEvent
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Milliseconds since the epoch; 0: as long as the log's retention. */
  expiresAt: number
  /** The connection that is left out, or empty. */
  except: string
  /** True if somebody waits until a tab acknowledges it: its backend, or a webhook. */
  isAwaited?: boolean
  /** `["event",{…}]` as UTF-8 JSON. */
  packet: Buffer
}

const ALERT = Buffer.from(',"alert":true}]')
const NO_ALERT = Buffer.from(',"alert":false}]')

/** True if a publication is a notification that may toast or sound. */
export function alertsIn({ event, packet }: Publication): boolean {
  const start = packet.length - ALERT.length
  return (
    (event === 'notification' || event === 'progress') && start >= 0 && ALERT.compare(packet, start) === 0
  )
}

/** The same notification with this `alert`. */
export function withAlert(publication: Publication, alert: boolean): Publication {
  const alerts = alertsIn(publication)
  if (alerts === alert) return publication
  const { packet } = publication
  const rest = packet.subarray(0, packet.length - (alerts ? ALERT : NO_ALERT).length)
  return { ...publication, packet: Buffer.concat([rest, alert ? ALERT : NO_ALERT]) }
}

/** The same publication as it is replayed to a tab that was away: it does not alert again. */
export const asReplay = (publication: Publication): Publication =>
  alertsIn(publication) ? withAlert(publication, false) : publication

/** The payload of a publication, parsed. */
export function payloadOf(publication: Publication): Record<string, unknown> {
  return JSON.parse(publication.packet.toString())[1]
}

/** The payload of a publication as JSON text, exactly as tabs receive it. */
export function payloadTextOf(publication: Publication): string {
  const text = publication.packet.toString()
  return text.slice(text.indexOf(',') + 1, -1)
}
