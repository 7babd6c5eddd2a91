import type { Arrival, Arrivals, ArrivingUser } from '../../core/engine/arrivals.ts'
import type { ConnectionCount, Connections } from '../../core/engine/connections.ts'
import { type Channel, userChannel } from '../../core/model/channel.ts'
import type { StreamPosition } from '../../core/model/position.ts'
import type { EmbeddedMemberships } from './memberships.ts'
import type { EmbeddedRevocations } from './revocations.ts'
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
  memberships: EmbeddedMemberships
  revocations: EmbeddedRevocations
}

/** The connections of this process, which is the only one. Only the time at which a channel last had one is stored. */
export class EmbeddedConnections implements Connections, Arrivals {
  readonly #parts: ConnectionsParts

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
  }

  async announce(channel: Channel, connections: number): Promise<StreamPosition> {
    const { transactions, rows, reader, seen } = this.#parts
    const headOf = (): StreamPosition => reader.headOf(channel, rows.find(channel))
    const [changes, head] = await transactions.read(
      () => [this.#state(channel, connections), headOf()] as const,
    )
    if (!changes) return head
    return transactions.write(() => {
      seen.note(channel)
      return headOf()
    })
  }

  async enter(users: readonly ArrivingUser[]): Promise<PromiseSettledResult<Arrival>[]> {
    if (users.length === 0) return []
    const { transactions, seen } = this.#parts
    try {
      const changed: Channel[] = []
      // One read, in which nothing can change.
      const arrivals = await transactions.read(() => users.map((one) => this.#arrivalOf(one, changed)))
      if (changed.length > 0)
        await transactions.write(() => {
          for (const channel of changed) seen.note(channel)
        })
      return arrivals.map((value) => ({ status: 'fulfilled', value }))
    } catch (reason) {
      return users.map(() => ({ status: 'rejected', reason }))
    }
  }

  #arrivalOf({ user, connections }: ArrivingUser, changed: Channel[]): Arrival {
    const { rows, reader, memberships, revocations } = this.#parts
    const channel = userChannel(user)
    if (this.#state(channel, connections)) changed.push(channel)
    return {
      position: reader.headOf(channel, rows.find(channel)),
      revokedUntil: revocations.untilOf(user),
      memberships: memberships.roomsOf(user),
    }
  }

  /** States the number of connections; returns true if the time at which the channel had one is to be written. */
  #state(channel: Channel, connections: number): boolean {
    const { seen } = this.#parts
    const connected = connections > 0
    const aged = connected && Date.now() - (seen.stored(channel) ?? 0) >= SEEN_AGAIN
    const changes = aged || seen.connectionsOf(channel) > 0 !== connected
    seen.set(channel, connections)
    return changes
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
