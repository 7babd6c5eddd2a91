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
  /** The transports on which a CONNECT was begun or answered; Socket.IO itself refuses a second one only after the answer. */
  readonly #taken = new WeakSet<EngineSocket>()
  readonly #admitted = new WeakMap<Socket, Admitted>()
  #draining = false

  constructor(options: TabsOptions) {
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
    const admitted = this.#admitted.get(socket)
    this.#admitted.delete(socket)
    slimRequest(socket)
    if (this.#draining) admitted?.tab.emit('going-away', {})
    return admitted
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
    if (this.#taken.has(socket.conn)) return socket.conn.close()
    this.#taken.add(socket.conn)
    try {
      await this.#admit(socket)
    } catch (error) {
      this.#taken.delete(socket.conn)
      throw error
    }
  }

  async #admit(socket: Socket): Promise<void> {
    const { conn } = socket
    const claims = await authenticate(socket, this.#options)
    const tab = new TabConnection(socket, claims, {
      backlog: this.#backlogs.of(conn),
      onClose: this.#onClose,
    })
    // Both are temporary, so the transport is closed and the CONNECT gets no answer.
    if (this.#draining) return tab.close('draining')
    if (claims !== undefined && !this.#users.enter(claims.user)) return tab.close('user_limit')
    this.#here.add(tab)
    this.#options.hub.open(tab)
    const onGone = (): void => this.#leave(tab)
    conn.once('close', onGone)
    socket.once('disconnect', () => {
      conn.off('close', onGone)
      this.#leave(tab)
      endSoon(conn)
    })
    try {
      const cursors = parseConnectCursors(socket.handshake.auth.since)
      const entrance = await enter(tab, cursors, this.#options)
      this.#admitted.set(socket, { tab, entrance })
    } catch (error) {
      conn.off('close', onGone)
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
