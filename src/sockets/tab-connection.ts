import type { Socket } from 'socket.io'
import type { BrowserClaims } from '../core/access/claims.ts'
import type { ServerEvent, ServerEvents } from '../core/model/events.ts'
import type { Publication } from '../core/model/publication.ts'
import type { Entrance } from '../core/session/enter.ts'
import { type CloseReason, TabSession } from '../core/session/tab-session.ts'
import type { Backlog } from './engine-io/backlog.ts'
import type { EngineSocket } from './engine-io/engine-socket.ts'
import { Wire } from './engine-io/wire.ts'

/** The bytes beyond which an answer or a replay waits until the tab has read what came before. */
const MUCH = 65_536

/** The parts that a tab's connection works with. */
export interface TabConnectionOptions {
  backlog: Backlog
  /** Called when the server ends the connection: nothing reaches the tab from then on. */
  onClose(tab: TabConnection, reason: CloseReason): void
}

/** The session of a tab over Socket.IO. */
export class TabConnection extends TabSession {
  /** The engine session that the tab is connected by. */
  readonly transport: EngineSocket
  readonly #socket: Socket
  readonly #wire: Wire
  readonly #options: TabConnectionOptions
  #entrance: Entrance | undefined

  constructor(socket: Socket, claims: BrowserClaims | undefined, options: TabConnectionOptions) {
    super(claims)
    this.#socket = socket
    this.transport = socket.conn
    this.#wire = new Wire(socket.conn, options.backlog)
    this.#options = options
  }

  /** Notes that it has been let in; its CONNECT can be answered. */
  admit(entrance: Entrance): void {
    this.#entrance = entrance
  }

  /** Returns what begins when its CONNECT has been answered, once; undefined if it was not let in. */
  takeEntrance(): Entrance | undefined {
    const entrance = this.#entrance
    this.#entrance = undefined
    return entrance
  }

  /** The id of the connection, by which a publish may leave it out. */
  get id(): string {
    return this.#socket.id
  }

  /** True as long as its transport is there. */
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

  /** Ends the transport, not the Socket.IO connection: every client connects again. */
  close(reason: CloseReason): void {
    if (!this.isOpen) return
    this.#options.onClose(this, reason)
    this.#wire.close(reason === 'slow')
  }

  dismiss(): void {
    if (!this.#socket.connected) {
      // Before the CONNECT is answered, a DISCONNECT would reach nobody; when the client tries again, its revoked token is refused.
      this.close('disconnected')
      return
    }
    this.#options.onClose(this, 'disconnected')
    // A DISCONNECT of Socket.IO, after which stock clients stay away.
    this.#socket.disconnect(true)
  }

  /** Notes that the transport has closed. */
  closed(): void {
    this.#wire.resolveDrained()
  }
}
