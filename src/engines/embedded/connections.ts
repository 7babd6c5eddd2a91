import type { ConnectionCount, Connections } from '../../core/engine/connections.ts'
import type { Channel } from '../../core/model/channel.ts'
import { headOf, type StreamPosition } from '../../core/model/position.ts'
import type { Log } from './tables/log.ts'
import type { Transactions } from './tables/transactions.ts'

/** The age of the stored `seen` of a connected channel after which the next announcement writes it anew, in milliseconds. */
const SEEN_AGAIN = 60_000

/** The connections of this process, which is the only one. Only the time at which a channel last had one is stored. */
export class EmbeddedConnections implements Connections {
  readonly #transactions: Transactions
  readonly #log: Log
  readonly #connections = new Map<Channel, number>()

  constructor(transactions: Transactions, log: Log) {
    this.#transactions = transactions
    this.#log = log
  }

  /** The number of connections that a channel has now. */
  connectionsOf(channel: Channel): number {
    return this.#connections.get(channel) ?? 0
  }

  async announce(channel: Channel, connections: number): Promise<StreamPosition> {
    const known = await this.#transactions.read(() => this.#log.find(channel))
    const connected = connections > 0
    const aged = connected && Date.now() - (known?.seen ?? 0) >= SEEN_AGAIN
    const changes = aged || this.connectionsOf(channel) > 0 !== connected
    if (connected) this.#connections.set(channel, connections)
    else this.#connections.delete(channel)
    if (known !== undefined && !changes) return headOf(known)
    return this.#transactions.write(() => {
      const row = this.#log.open(channel)
      if (changes) {
        this.#log.change(row)
        row.seen = row.used
      }
      return headOf(row)
    })
  }

  count(channels: readonly Channel[]): Promise<ConnectionCount[]> {
    return this.#transactions.read(() =>
      channels.map((channel) => {
        const connections = this.connectionsOf(channel)
        return { connections, lastSeen: connections > 0 ? Date.now() : this.#log.load(channel)?.seen }
      }),
    )
  }
}
