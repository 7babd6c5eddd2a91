import type { Server, Socket } from 'socket.io'
import { isFault } from '../core/lifecycle/faults.ts'
import { type EnterOptions, type Entrance, enter } from '../core/session/enter.ts'
import { leaveForbiddenRooms } from '../core/session/grants.ts'
import { CLOSE_REASONS, type CloseReason } from '../core/session/tab-session.ts'
import { UserLimit } from '../core/session/user-limit.ts'
import { Backlogs } from './engine-io/backlog.ts'
import { type EngineSocket, endSoon, endTransport } from './engine-io/engine-socket.ts'
import { joinFirstWrites } from './engine-io/first-write.ts'
import { mindPolls } from './engine-io/polls.ts'
import { slimRequest } from './engine-io/slim-request.ts'
import { parseConnectCursors } from './events/arguments.ts'
import { type AuthenticationOptions, authenticate, connectErrorOf } from './handshake.ts'
import { TabConnection } from './tab-connection.ts'

/** The parts that let tabs in and out. */
export interface TabsOptions extends EnterOptions, AuthenticationOptions {
  /** The most connections of one user. */
  maxPerUser: number
  /** The most bytes that may wait for one connection before it is closed. */
  maxBacklog: number
  /** In milliseconds, as the next one; a poll whose answer is not read within both together is given up. */
  pingInterval: number
  pingTimeout: number
}

/** A tab that has been let in, and whose CONNECT has not been answered yet. */
export interface Admitted {
  tab: TabConnection
  entrance: Entrance
}

/** Set once a CONNECT was begun on a transport; Socket.IO itself refuses a second one only after the answer to the first. */
const TAKEN = Symbol('taken')

/** The tab that was let in on a transport. */
const TAB = Symbol('tab')

/** An engine session with what is known of it: for ten thousand, properties cost the collector much less than a `WeakMap`. */
type TakenSocket = EngineSocket & { [TAKEN]?: boolean; [TAB]?: TabConnection | undefined }

/** The tabs of this process, from their CONNECT to their end. */
export class Tabs {
  /** The connections that the server has ended, by reason. */
  readonly closed = Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<
    CloseReason,
    number
  >
  readonly #options: TabsOptions
  readonly #backlogs: Backlogs
  readonly #users: UserLimit
  /** The tabs that count as present: in the hub, and among those of their user. */
  readonly #here = new Set<TabConnection>()
  /** The tabs that have been let in, by their transport. */
  readonly #byTransport = new Map<EngineSocket, TabConnection>()
  /** The same functions for all connections, called with the engine session or the Socket.IO socket as `this`. */
  readonly #onTransportClose: (this: TakenSocket) => void
  readonly #onDisconnect: (this: Socket) => void
  #draining = false

  constructor(options: TabsOptions) {
    const leave = (tab: TabConnection | undefined): void => {
      if (tab !== undefined) this.#leave(tab)
    }
    this.#onTransportClose = function () {
      leave(this[TAB])
    }
    this.#onDisconnect = function () {
      leave((this.conn as TakenSocket)[TAB])
      endSoon(this.conn)
    }
    this.#options = options
    this.#backlogs = new Backlogs(options.maxBacklog, this.#endSlow)
    this.#users = new UserLimit(options.maxPerUser)
  }

  /** Ends the engine sessions that do not read, and spares them a write, from now on. */
  mind(engine: Server['engine']): void {
    const { pingInterval, pingTimeout } = this.#options
    this.#backlogs.mind(engine)
    joinFirstWrites(engine)
    mindPolls(engine, pingInterval + pingTimeout, this.#endSlow)
  }

  /** The number of tabs. */
  get size(): number {
    return this.#byTransport.size
  }

  /** True once no new ones are let in. */
  get draining(): boolean {
    return this.#draining
  }

  /** Answers a CONNECT, as a middleware of Socket.IO: lets the tab in, refuses it for good, or closes its transport so that it tries again. */
  readonly connect = (socket: Socket, next: (error?: Error) => void): void => {
    this.#connect(socket).then(
      () => next(),
      (error: unknown) => {
        const answer = connectErrorOf(error)
        if (answer === undefined) {
          if (isFault(error)) this.#options.report(error)
          this.closed.engine++
          socket.conn.close()
        }
        next(answer)
      },
    )
  }

  /** Returns a tab whose CONNECT has been answered, once; undefined for one that has gone, or was not let in. */
  take(socket: Socket): Admitted | undefined {
    const tab = this.#byTransport.get(socket.conn)
    const entrance = tab?.takeEntrance()
    if (tab === undefined || entrance === undefined) return undefined
    slimRequest(socket)
    if (this.#draining) tab.emit('going-away', {})
    return { tab, entrance }
  }

  /** Ends a transport, also before its CONNECT, and one of an embedding program's namespaces. */
  end(conn: EngineSocket, reason: CloseReason): void {
    const tab = this.#byTransport.get(conn)
    if (tab !== undefined) tab.close(reason)
    else if (conn.readyState === 'open') {
      this.closed[reason]++
      endTransport(conn, reason === 'slow')
    }
  }

  /** Announces to every tab that the server goes away, and lets no more in. */
  drain(): void {
    this.#draining = true
    for (const tab of this.#byTransport.values()) tab.emit('going-away', {})
  }

  /** Closes the tabs whose token has expired by `now` (seconds since the epoch), and ends what expired room tokens granted. */
  expire(now: number): void {
    const { hub, policy } = this.#options
    for (const tab of this.#byTransport.values()) {
      if (tab.claims !== undefined && tab.claims.expiresAt <= now) tab.close('expired')
      else if (tab.forgetExpiredRoomTokens(now)) leaveForbiddenRooms(tab, hub, policy, 'token_expired')
    }
  }

  async #connect(socket: Socket): Promise<void> {
    // Two at once would hear as two users, of which one is counted; one after the other, each would have rates of its own.
    const conn: TakenSocket = socket.conn
    if (conn[TAKEN]) return conn.close()
    conn[TAKEN] = true
    try {
      await this.#admit(socket)
    } catch (error) {
      conn[TAKEN] = false
      throw error
    }
  }

  async #admit(socket: Socket): Promise<void> {
    const conn: TakenSocket = socket.conn
    const claims = await authenticate(socket, this.#options)
    const tab = new TabConnection(socket, claims, {
      backlog: this.#backlogs.of(conn),
      onClose: this.#onClose,
    })
    conn[TAB] = tab
    // Both are temporary, so the transport is closed and the CONNECT gets no answer.
    if (this.#draining) return tab.close('draining')
    if (claims !== undefined && !this.#users.enter(claims.user)) return tab.close('user_limit')
    this.#here.add(tab)
    this.#options.hub.open(tab)
    conn.on('close', this.#onTransportClose)
    socket.on('disconnect', this.#onDisconnect)
    try {
      const cursors = parseConnectCursors(socket.handshake.auth.since)
      tab.admit(await enter(tab, cursors, this.#options))
    } catch (error) {
      conn.off('close', this.#onTransportClose)
      this.#leave(tab)
      throw error
    }
    // It may have gone while the engine was read.
    if (tab.isOpen) this.#byTransport.set(conn, tab)
    else this.#leave(tab)
  }

  readonly #endSlow = (conn: EngineSocket): void => this.end(conn, 'slow')

  readonly #onClose = (tab: TabConnection, reason: CloseReason): void => {
    this.closed[reason]++
    this.#leave(tab)
  }

  #leave(tab: TabConnection): void {
    if (!this.#here.delete(tab)) return
    if (tab.user !== undefined) this.#users.leave(tab.user)
    this.#byTransport.delete(tab.transport)
    this.#options.hub.close(tab)
    tab.closed()
  }
}
