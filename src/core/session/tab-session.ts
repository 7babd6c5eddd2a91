import type { BrowserClaims, RoomClaims } from '../access/claims.ts'
import { type Channel, idOfChannel, isUserChannel } from '../model/channel.ts'
import type { Connection } from '../model/connection.ts'
import type { Control, MembershipControl } from '../model/control.ts'
import type { ServerEvent, ServerEvents, UnsubscribedCode } from '../model/events.ts'
import type { Counts } from '../model/item.ts'
import type { Gap, StreamPosition } from '../model/position.ts'
import type { Publication } from '../model/publication.ts'
import { TabMemberships } from './tab-memberships.ts'

/** The reasons for which the server ends a connection, for the metrics. */
export const CLOSE_REASONS = ['slow', 'expired', 'draining', 'engine', 'disconnected', 'user_limit'] as const

/** One of the reasons for which the server ends a connection. */
export type CloseReason = (typeof CLOSE_REASONS)[number]

/** The part of a session that keeps up with the memberships of its user. */
export interface MembershipChanges {
  /** The user has become a member of a room, or is none any more. */
  handle(control: MembershipControl): void
  /** Changes may have been lost. */
  reload(): void
}

/** The grant of a room token. `expiresAt`: seconds since the epoch. */
export type RoomGrant = Pick<RoomClaims, 'expiresAt' | 'publish'>

/**
 * One tab's session: what it may hear and say, and in which words it is answered. It knows no transport: whatever reaches a tab extends it
 * by its way out. No method throws; a closed session swallows everything.
 */
export abstract class TabSession implements Connection {
  /** Undefined for a tab without a token. */
  claims: BrowserClaims | undefined
  /** Rooms that a room token granted. */
  readonly roomTokens = new Map<string, RoomGrant>()
  /** Rooms that the user is a member of. */
  readonly memberships = new TabMemberships()
  #changes: MembershipChanges | undefined
  #replays = Promise.resolve()

  constructor(claims: BrowserClaims | undefined) {
    this.claims = claims
  }

  /** The name of the tab in `X-Socket-ID`. */
  abstract readonly id: string

  /** Whether the tab can still be reached. */
  abstract readonly isOpen: boolean

  /** Puts a publication on the wire. */
  abstract send(publication: Publication): void

  /** Sends an event of the server's own, which no log has. */
  abstract emit<Event extends ServerEvent>(event: Event, payload: ServerEvents[Event]): void

  /** Resolves when what was sent has left the process, or when the tab is gone. */
  abstract drained(): Promise<void>

  /** Resolves when the tab has room for more: at once, unless much of what it was sent waits. */
  abstract ready(): Promise<void>

  /** Ends the connection so that the tab tries again, with a new token if it has one. */
  abstract close(reason: CloseReason): void

  /** Ends the connection so that the tab stays away. */
  abstract dismiss(): void

  /** The user of the tab; undefined for a tab without a token. */
  get user(): string | undefined {
    return this.claims?.user
  }

  /** Hands the changes of memberships on from now on; to be called before the tab hears its user's log. */
  follow(changes: MembershipChanges): void {
    this.#changes = changes
  }

  sendGap(channel: Channel, epoch: string, gap: Gap): void {
    this.emit('gap', { channel, epoch, ...gap })
  }

  sendPosition(channel: Channel, position: StreamPosition, counts?: Counts): void {
    this.emit('position', { channel, ...position, ...counts })
  }

  /** Says that the tab hears a room which it was granted, and from where. */
  sendSubscribed(channel: Channel, position: StreamPosition): void {
    this.emit('subscribed', { room: idOfChannel(channel), ...position })
  }

  /** Says that the tab does not hear a room, or no longer, and why. */
  sendUnsubscribed(channel: Channel, code: UnsubscribedCode): void {
    this.emit('unsubscribed', { room: idOfChannel(channel), code })
  }

  /** Drops the room tokens that have expired by `now` (seconds since the epoch); answers whether there were any. */
  forgetExpiredRoomTokens(now: number): boolean {
    let expired = false
    for (const [room, { expiresAt }] of this.roomTokens)
      if (expiresAt <= now) expired = this.roomTokens.delete(room)
    return expired
  }

  /** Replays one channel after the other, so that a tab in many rooms has one page on its way and not one of each. Rejects as it does. */
  replay(work: () => Promise<void>): Promise<void> {
    const done = this.#replays.then(work)
    this.#replays = done.catch(() => undefined).then(() => this.ready())
    return done
  }

  handleControl(control: Control): void {
    if (control.action === 'disconnect') this.dismiss()
    else this.#changes?.handle(control)
  }

  handleFault(): void {
    this.close('engine')
  }

  handleLoss(channel: Channel): void {
    if (isUserChannel(channel)) this.#changes?.reload()
  }
}
