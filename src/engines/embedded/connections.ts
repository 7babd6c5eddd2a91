import type { ConnectionCount, Connections } from '../../core/engine/connections.ts'
import type { Channel } from '../../core/model/channel.ts'
import type { StreamPosition } from '../../core/model/position.ts'
import type { Reader } from './tables/reader.ts'
import type { Rows } from './tables/rows.ts'
import type { Seen } from './tables/seen.ts'
import type { Transactions } from './tables/transactions.ts'

/** The age of the stored time of a connected channel after which the next announcement writes it anew, in milliseconds. */
const SEEN_AGAIN = 60_000

/** The parts that the connections work with. */
export interface ConnectionsParts {
  transactions: Transactions
  rows: Rows
  reader: Reader
  seen: Seen
}

/** The connections of this process, which is the only one. Only the time at which a channel last had one is stored. */
export class EmbeddedConnections implements Connections {
  readonly #parts: ConnectionsParts

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
  }

  async announce(channel: Channel, connections: number): Promise<StreamPosition> {
    const { transactions, rows, reader, seen } = this.#parts
    const headOf = (): StreamPosition => reader.headOf(channel, rows.find(channel))
    const [stored, head] = await transactions.read(() => [seen.stored(channel), headOf()] as const)
    const connected = connections > 0
    const aged = connected && Date.now() - (stored ?? 0) >= SEEN_AGAIN
    const changes = aged || seen.connectionsOf(channel) > 0 !== connected
    seen.set(channel, connections)
    if (!changes) return head
    return transactions.write(() => {
      seen.note(channel)
      return headOf()
    })
  }

  count(channels: readonly Channel[]): Promise<ConnectionCount[]> {
    const { transactions, seen } = this.#parts
    return transactions.read(() =>
      channels.map((channel) => ({
        connections: seen.connectionsOf(channel),
        lastSeen: seen.lastSeen(channel),
      })),
    )
  }
}
