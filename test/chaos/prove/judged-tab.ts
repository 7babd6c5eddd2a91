import { io, type Socket } from 'socket.io-client'
import type { StreamPosition } from '../../../src/core/model/position.ts'
import { browserToken } from '../../support/tokens.ts'
import { Reading, type ToldGap } from './reading.ts'
import { JWT_SECRET } from './stage.ts'

export interface JudgedTabOptions {
  user: string
  rooms: readonly string[]
  transports: ('websocket' | 'polling')[]
  /** URLs that it may connect to, its first choice first. */
  urls: readonly string[]
}

/** A page with a stock client: it keeps its cursors as the README says, drops nothing, and is judged by what its callbacks get. */
export class JudgedTab {
  readonly readings: ReadonlyMap<string, Reading>
  reconnects = 0
  /** The client has given up and would never come back. */
  stranded = false
  readonly #socket: Socket

  constructor({ user, rooms, transports, urls }: JudgedTabOptions) {
    const own = new Reading()
    const readings = new Map(rooms.map((room) => [room, new Reading()]))
    this.readings = new Map([
      [`user:${user}`, own],
      ...[...readings].map(([room, at]) => [`room:${room}`, at] as const),
    ])
    const token = browserToken(JWT_SECRET, { user, rooms: [...rooms], ttl: 86_400 })
    const since = (): object => ({
      ...own.cursor,
      rooms: Object.fromEntries([...readings].map(([room, { cursor }]) => [room, cursor ?? {}])),
    })
    let turn = 0
    const socket = io(urls[turn]!, {
      transports,
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 1000,
      timeout: 5000,
      auth: (send) => send({ token, since: since() }),
    })
    socket.on('notification', (event: StreamPosition & { data: string }) => own.hear(event, event.data))
    socket.on('message', (event: StreamPosition & { room: string; data: string }) =>
      readings.get(event.room)!.hear(event, event.data),
    )
    socket.on('gap', (gap: ToldGap & { channel: string }) => this.readings.get(gap.channel)!.miss(gap))
    socket.on('position', (position: StreamPosition & { channel: string }) =>
      this.readings.get(position.channel)!.reach({ seq: position.seq, epoch: position.epoch }),
    )
    const note = (): void => {
      if (!socket.active) this.stranded = true
    }
    socket.on('disconnect', (reason) => {
      if (reason !== 'io client disconnect') note()
    })
    socket.on('connect_error', note)
    socket.io.on('reconnect_attempt', () => {
      // Where an address leads is a balancer's choice, for each connection anew.
      Object.assign(socket.io, { uri: urls[++turn % urls.length] })
    })
    socket.io.on('reconnect', () => {
      this.reconnects++
    })
    this.#socket = socket
  }

  /** True if it has its first position, on every channel. */
  get hasBegun(): boolean {
    return [...this.readings.values()].every(({ start }) => start !== undefined)
  }

  /** The laptop is closed. */
  leave(): void {
    this.#socket.disconnect()
  }

  /** And opened again, with the cursors that the page kept. */
  comeBack(): void {
    this.#socket.connect()
  }
}
