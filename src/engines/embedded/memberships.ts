import type { DatabaseSync } from 'node:sqlite'
import type { Membership, Memberships } from '../../core/engine/memberships.ts'
import { encode } from '../../core/model/encoding.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { Log } from './tables/log.ts'
import type { Transactions } from './tables/transactions.ts'
import type { Topics } from './topics.ts'

/** Memberships in their table; the control entry is appended in the same transaction. */
export class EmbeddedMemberships implements Memberships {
  readonly #statements: ReturnType<typeof prepare>
  readonly #parts: { transactions: Transactions; log: Log; topics: Topics }

  constructor(database: DatabaseSync, parts: { transactions: Transactions; log: Log; topics: Topics }) {
    this.#statements = prepare(database)
    this.#parts = parts
  }

  grant({ user, room, publish }: Membership, control: Draft, most: number): Promise<boolean> {
    return this.#change(control, () => {
      const known = this.#statements.find.get(user, room)
      if (known?.publish === Number(publish)) return false
      if (known === undefined && Number(this.#statements.count.get(user)!.rooms) >= most)
        throw new ServiceError('too_many_memberships', `a user may be a member of ${most} rooms`)
      this.#statements.put.run(user, room, Number(publish))
      return true
    })
  }

  withdraw({ user, room }: Pick<Membership, 'user' | 'room'>, control: Draft): Promise<boolean> {
    return this.#change(control, () => this.#statements.remove.run(user, room).changes > 0)
  }

  of(user: string): Promise<Map<string, boolean>> {
    return this.#parts.transactions.read(() => this.roomsOf(user))
  }

  /** Reads as `of` does, at once. */
  roomsOf(user: string): Map<string, boolean> {
    const rooms = this.#statements.list.all(user)
    return new Map(rooms.map(({ room, publish }) => [String(room), publish === 1]))
  }

  async #change(control: Draft, change: () => boolean): Promise<boolean> {
    const { transactions, log, topics } = this.#parts
    const message = await transactions.write(
      () => (change() ? log.append(control, (seq, epoch) => encode(control, seq, epoch)).message : undefined),
      (message) => {
        if (message !== undefined) topics.publish(control.channel, message)
      },
    )
    return message !== undefined
  }
}

const prepare = (database: DatabaseSync) => ({
  find: database.prepare('SELECT publish FROM membership WHERE user = ? AND room = ?'),
  count: database.prepare('SELECT count(*) AS rooms FROM membership WHERE user = ?'),
  put: database.prepare(
    'INSERT INTO membership (user, room, publish) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET publish = excluded.publish',
  ),
  remove: database.prepare('DELETE FROM membership WHERE user = ? AND room = ?'),
  list: database.prepare('SELECT room, publish FROM membership WHERE user = ?'),
})
