import type { StreamPosition } from '../../../src/core/model/position.ts'
import { TestTab } from '../../support/tab.ts'
import { browserToken } from '../../support/tokens.ts'
import type { Balancer } from './balancer.ts'

/** A stock client that keeps its cursor and goes where a balancer leads it. */
export class RovingTab extends TestTab {
  readonly user: string
  /** Number of notifications that have come in order, each for the first time. */
  count = 0
  /** Number of those that came again, or after a later one. */
  duplicated = 0
  reconnects = 0
  #last = 0

  constructor(
    workers: Balancer,
    { secret, user, transport }: { secret: string; user: string; transport: 'websocket' | 'polling' },
  ) {
    super(workers.next().url, {
      token: browserToken(secret, { user }),
      transports: [transport],
      since: {},
      reconnectionDelay: 250,
      reconnectionDelayMax: 2000,
    })
    this.user = user
    this.socket.on('position', (position: StreamPosition) => this.#keep(position))
    this.socket.on('notification', (notification: StreamPosition) => {
      if (notification.seq <= this.#last) this.duplicated++
      else this.count++
      this.#keep(notification)
    })
    const { io: manager } = this.socket
    manager.on('reconnect_attempt', () => {
      // Where a name or an address leads is the balancer's choice, for each connection anew.
      Object.assign(manager, { uri: workers.next().url })
    })
    manager.on('reconnect', () => {
      this.reconnects++
    })
  }

  #keep({ seq, epoch }: StreamPosition): void {
    this.#last = Math.max(this.#last, seq)
    this.since = { seq: this.#last, epoch }
  }
}
