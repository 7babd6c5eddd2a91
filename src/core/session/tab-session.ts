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
  /** Applies a change of the user's memberships. */
  handle(control: MembershipControl): void
  /** Reads the memberships anew, since changes may have been lost. */
  reload(): void
}

/** The grant of a room token. `expiresAt`: seconds since the epoch. */
export type RoomGrant = Pick<RoomClaims, 'expiresAt' | 'publish'>

/**
 * The session of one tab: the rooms that it may hear and publish in, and the events that it receives. It knows no transport: each transport
 * extends it by its own way out. No method throws; a closed session swallows everything.
 */
export abstract class TabSession implements Connection {
  /** The claims of the tab's token; undefined for a tab without one. */
  claims: BrowserClaims | undefined
  /** Rooms that the user is a member of. */
  readonly memberships = new TabMemberships()
  #changes: MembershipChanges | undefined
  /** Rooms that a room token granted; undefined for none. */
  #roomTokens: Map<string, RoomGrant> | undefined
  /** Resolves when the replays so far have ended; undefined before the first. */
  #replays: Promise<void> | undefined

  constructor(claims: BrowserClaims | undefined) {
    this.claims = claims
  }

  /** The name of the tab in `X-Socket-ID`. */
  abstract readonly id: string

  /** True if the tab can still be reached. */
  abstract readonly isOpen: boolean

  /** Puts a publication on the wire. */
  abstract send(publication: Publication): void

  /** Sends an event of the server's own, which no log has. */
  abstract emit<Event extends ServerEvent>(event: Event, payload: ServerEvents[Event]): void

  /** Resolves when what was sent has left the process, or when the tab is gone. */
  abstract drained(): Promise<void>

  /** Resolves when more may be sent: at once, unless much of what was sent is still waiting in this process. */
  abstract ready(): Promise<void>

  /** Ends the connection so that the tab tries again, with a new token if it has one. */
  abstract close(reason: CloseReason): void

  /** Ends the connection so that the tab stays away. */
  abstract dismiss(): void

  /** The user of the tab; undefined for a tab without a token. */
  get user(): string | undefined {
    return this.claims?.user
  }

  /** Sets the object that receives changes of memberships from now on; to be called before the tab hears its user's log. */
  follow(changes: MembershipChanges): void {
    this.#changes = changes
  }

  sendGap(channel: Channel, epoch: string, gap: Gap): void {
    this.emit('gap', { channel, epoch, ...gap })
  }

  sendPosition(channel: Channel, position: StreamPosition, counts?: Counts): void {
    this.emit('position', { channel, ...position, ...counts })
  }

  /** Sends `subscribed`: the tab hears a room that it was granted, from this position on. */
  sendSubscribed(channel: Channel, position: StreamPosition): void {
    this.emit('subscribed', { room: idOfChannel(channel), ...position })
  }

  /** Sends `unsubscribed`: the tab does not hear a room, or no longer does, for the reason `code`. */
  sendUnsubscribed(channel: Channel, code: UnsubscribedCode): void {
    this.emit('unsubscribed', { room: idOfChannel(channel), code })
  }

  /** Notes what a room token grants, until it expires. */
  takeRoomToken(room: string, grant: RoomGrant): void {
    this.#roomTokens ??= new Map()
    this.#roomTokens.set(room, grant)
  }

  /** The grant of a room token that the tab has sent for a room; undefined if it has sent none, or that has expired. */
  roomToken(room: string): RoomGrant | undefined {
    const grant = this.#roomTokens?.get(room)
    return grant !== undefined && grant.expiresAt > Date.now() / 1000 ? grant : undefined
  }

  /** Drops the room tokens that have expired by `now` (seconds since the epoch); returns true if there were any. */
  forgetExpiredRoomTokens(now: number): boolean {
    let expired = false
    for (const [room, { expiresAt }] of this.#roomTokens ?? [])
      if (expiresAt <= now) expired = this.#roomTokens!.delete(room)
    return expired
  }

  /** Replays one channel after the other, so that a tab in many rooms has one page on its way and not one of each. Rejects as `work` does. */
  replay(work: () => Promise<void>): Promise<void> {
    const done = this.#replays === undefined ? work() : this.#replays.then(work)
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
