import type { Socket } from 'socket.io'
import { type Channel, idOfChannel, isUserChannel } from '../core/channel.ts'
import type { BrowserClaims } from '../core/claims.ts'
import type { Connection } from '../core/connection.ts'
import type { Control, MembershipControl } from '../core/drafts.ts'
import type { Counts } from '../core/item.ts'
import type { Gap, StreamPosition } from '../core/position.ts'
import type { Publication } from '../core/publication.ts'
import { TabMemberships } from './tab-memberships.ts'
import { Wire } from './wire.ts'

/** Why the server ended a connection, for the metrics. */
export type CloseReason = 'slow' | 'expired' | 'draining' | 'engine' | 'disconnected' | 'user_limit'

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
  readonly #maxBacklog: number
  readonly #onClose: (reason: CloseReason) => void
  readonly #onMembership: (control: MembershipControl) => void
  readonly #onLoss: () => void

  constructor(
    socket: Socket,
    claims: BrowserClaims | undefined,
    options: {
      maxBacklog: number
      onClose: (reason: CloseReason) => void
      onMembership: (control: MembershipControl) => void
      /** Something of the user's log was lost. */
      onLoss: () => void
    },
  ) {
    this.#socket = socket
    this.claims = claims
    this.#wire = new Wire(socket.conn)
    this.#maxBacklog = options.maxBacklog
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
    this.closeIfSlow()
  }

  /** Ends the connection if more waits for it than is allowed. */
  closeIfSlow(): void {
    if (this.#wire.backlog > this.#maxBacklog) this.close('slow')
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
    this.#wire.settle()
  }
}
