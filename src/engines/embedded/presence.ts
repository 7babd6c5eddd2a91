import { presenceDraft } from '../../core/drafts/server.ts'
import type { Presence, PresentUsers } from '../../core/engine/presence.ts'
import { roomChannel } from '../../core/model/channel.ts'
import { encodeUnstored } from '../../core/model/encoding.ts'
import type { Transactions } from './tables/transactions.ts'
import type { Topics } from './topics.ts'

/** The users in the rooms of this process, which is the only one. */
export class EmbeddedPresence implements Presence {
  readonly #transactions: Transactions
  readonly #topics: Topics
  readonly #rooms = new Map<string, Map<string, number>>()

  constructor(transactions: Transactions, topics: Topics) {
    this.#transactions = transactions
    this.#topics = topics
  }

  async state(room: string, users: ReadonlyMap<string, number>): Promise<void> {
    await this.#transactions.read(() => undefined)
    const there = this.#rooms.get(room) ?? new Map<string, number>()
    this.#rooms.set(room, there)
    for (const [user, connections] of users) {
      const known = there.has(user)
      if (connections > 0) there.set(user, connections)
      else there.delete(user)
      if (known !== connections > 0) this.#publish(room, user, connections > 0 ? 'join' : 'leave', there.size)
    }
    if (there.size === 0) this.#rooms.delete(room)
  }

  list(room: string, most: number): Promise<PresentUsers> {
    return this.#transactions.read(() => {
      const there = this.#rooms.get(room)
      const users = [...(there?.entries().take(most) ?? [])].map(([user, connections]) => ({
        user,
        connections,
      }))
      return { users, count: there?.size ?? 0 }
    })
  }

  #publish(room: string, user: string, action: 'join' | 'leave', count: number): void {
    const channel = roomChannel(room)
    this.#topics.publish(
      channel,
      Buffer.from(encodeUnstored(presenceDraft(channel, { room, user, action, count }))),
    )
  }
}
