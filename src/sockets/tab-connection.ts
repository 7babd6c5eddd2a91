import type { Socket } from 'socket.io'
import type { BrowserClaims } from '../core/access/claims.ts'
import type { ServerEvent, ServerEvents } from '../core/model/events.ts'
import type { Publication } from '../core/model/publication.ts'
import { type CloseReason, TabSession } from '../core/session/tab-session.ts'
import type { Backlog } from './engine-io/backlog.ts'
import type { EngineSocket } from './engine-io/engine-socket.ts'
import { Wire } from './engine-io/wire.ts'

/** How much may wait for a tab when it is sent an answer or a replay, in bytes. */
const MUCH = 65_536

/** The parts that a tab's connection works with. */
export interface TabConnectionOptions {
  backlog: Backlog
  /** Called once the server ends the connection: what comes from then on would not reach the tab any more. */
  onClose(tab: TabConnection, reason: CloseReason): void
}

/** The session of a tab over Socket.IO. */
export class TabConnection extends TabSession {
  readonly transport: EngineSocket
  readonly #socket: Socket
  readonly #wire: Wire
  readonly #options: TabConnectionOptions

  constructor(socket: Socket, claims: BrowserClaims | undefined, options: TabConnectionOptions) {
    super(claims)
    this.#socket = socket
    this.transport = socket.conn
    this.#wire = new Wire(socket.conn, options.backlog)
    this.#options = options
  }

  get id(): string {
    return this.#socket.id
  }

  /** Whether its transport is there. */
  get isOpen(): boolean {
    return this.transport.readyState === 'open'
  }

  send(publication: Publication): void {
    this.#wire.send(publication)
    if (this.#options.backlog.isExceeded) this.close('slow')
  }

  emit<Event extends ServerEvent>(event: Event, payload: ServerEvents[Event]): void {
    this.#wire.sendPacket(`2${JSON.stringify([event, payload])}`)
  }

  drained(): Promise<void> {
    return this.#wire.drained()
  }

  async ready(): Promise<void> {
    if (this.#options.backlog.bytes > MUCH) await this.drained()
  }

  /** Ends the transport, not the Socket.IO connection: every client tries again. */
  close(reason: CloseReason): void {
    if (!this.isOpen) return
    this.#options.onClose(this, reason)
    this.#wire.close(reason === 'slow')
  }

  dismiss(): void {
    if (!this.#socket.connected) {
      // Before the CONNECT is answered there is nobody to say it to; trying again meets the check of the revocation.
      this.close('disconnected')
      return
    }
    this.#options.onClose(this, 'disconnected')
    // Said as a Socket.IO DISCONNECT, so that stock clients stay away.
    this.#socket.disconnect(true)
  }

  /** Notes that the transport has closed. */
  closed(): void {
    this.#wire.resolveDrained()
  }
}
