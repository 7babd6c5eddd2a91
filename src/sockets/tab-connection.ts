import type { Socket } from 'socket.io'
import type { BrowserClaims } from '../core/access/claims.ts'
import type { Control, MembershipControl } from '../core/drafts/drafts.ts'
import { type Channel, idOfChannel, isUserChannel } from '../core/model/channel.ts'
import type { Connection } from '../core/model/connection.ts'
import type { Counts } from '../core/model/item.ts'
import type { Gap, StreamPosition } from '../core/model/position.ts'
import type { Publication } from '../core/model/publication.ts'
import { TabMemberships } from '../core/session/tab-memberships.ts'
import type { Backlog } from './engine-io/backlog.ts'
import { Wire } from './engine-io/wire.ts'

/** Why the server ended a connection, for the metrics. */
export type CloseReason = (typeof CLOSE_REASONS)[number]

export const CLOSE_REASONS = ['slow', 'expired', 'draining', 'engine', 'disconnected', 'user_limit'] as const

/** How much may wait for a tab when it is sent an answer or a replay, in bytes. */
const MUCH = 65_536

/** A connection of one user's tab: what it may hear, and its way out. */
export class TabConnection implements Connection {
  /** Undefined for a connection without a token. */
  claims: BrowserClaims | undefined
  /** Rooms that a room token granted: its `exp`, in seconds since the epoch, and whether it lets speak. */
  readonly roomTokens = new Map<string, { expiresAt: number; publish: boolean }>()
  /** Rooms that the user is a member of. */
  readonly memberships = new TabMemberships()
  readonly #socket: Socket
  readonly #wire: Wire
  readonly #backlog: Backlog
  readonly #onClose: (reason: CloseReason) => void
  readonly #onMembership: (control: MembershipControl) => void
  readonly #onLoss: () => void
  #replays = Promise.resolve()

  constructor(
    socket: Socket,
    claims: BrowserClaims | undefined,
    options: {
      backlog: Backlog
      onClose: (reason: CloseReason) => void
      onMembership: (control: MembershipControl) => void
      /** Something of the user's log was lost. */
      onLoss: () => void
    },
  ) {
    this.#socket = socket
    this.claims = claims
    this.#backlog = options.backlog
    this.#wire = new Wire(socket.conn, options.backlog)
    this.#onClose = options.onClose
    this.#onMembership = options.onMembership
    this.#onLoss = options.onLoss
  }

  get id(): string {
    return this.#socket.id
  }

  /** Whether its transport is there. */
  get isOpen(): boolean {
    return this.#socket.conn.readyState === 'open'
  }

  get user(): string | undefined {
    return this.claims?.user
  }

  send(publication: Publication): void {
    this.#wire.send(publication)
    if (this.#backlog.isExceeded) this.close('slow')
  }

  sendGap(channel: Channel, epoch: string, gap: Gap): void {
    this.emit('gap', { channel, epoch, ...gap })
  }

  sendPosition(channel: Channel, position: StreamPosition, counts?: Counts): void {
    this.emit('position', { channel, ...position, ...counts })
  }

  /** Tells the tab that it hears a room which it was granted, and from where. */
  sendSubscribed(channel: Channel, position: StreamPosition): void {
    this.emit('subscribed', { room: idOfChannel(channel), ...position })
  }

  /** Tells the tab that it no longer hears a room, and why. */
  sendUnsubscribed(channel: Channel, code: 'room_forbidden' | 'token_expired'): void {
    this.emit('unsubscribed', { room: idOfChannel(channel), code })
  }

  /** Drops the room tokens that are no longer valid; answers whether there were any. */
  forgetExpiredRoomTokens(now: number): boolean {
    let expired = false
    for (const [room, { expiresAt }] of this.roomTokens)
      if (expiresAt <= now) expired = this.roomTokens.delete(room)
    return expired
  }

  /** Sends an event of the server's own. */
  emit(event: string, payload: object): void {
    this.#wire.sendPacket(`2${JSON.stringify([event, payload])}`)
  }

  drained(): Promise<void> {
    return this.#wire.drained()
  }

  /** Resolves when the tab has room for more: at once, unless much of what it was sent waits. */
  async ready(): Promise<void> {
    if (this.#backlog.bytes > MUCH) await this.drained()
  }

  /** Replays one channel after the other, so that a tab in many rooms has one page on its way and not one of each. Rejects as it does. */
  replay(work: () => Promise<void>): Promise<void> {
    const done = this.#replays.then(work)
    this.#replays = done.catch(() => undefined).then(() => this.ready())
    return done
  }

  handleControl(control: Control): void {
    if (control.action === 'disconnect') this.#disconnect()
    else this.#onMembership(control)
  }

  handleLoss(channel: Channel): void {
    if (isUserChannel(channel)) this.#onLoss()
  }

  #disconnect(): void {
    if (!this.#socket.connected) {
      // Before the CONNECT is answered there is nobody to say it to; trying again meets the check of the revocation.
      this.close('disconnected')
      return
    }
    this.#onClose('disconnected')
    // Said as a Socket.IO DISCONNECT, so that stock clients stay away.
    this.#socket.disconnect(true)
  }

  /** Ends the transport, not the session: every client tries again, with a new token if it has one. */
  close(reason: CloseReason): void {
    if (this.#socket.conn.readyState !== 'open') return
    this.#onClose(reason)
    this.#wire.close(reason === 'slow')
  }

  /** The transport has closed. */
  closed(): void {
    this.#wire.resolveDrained()
  }
}
