import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../../core/model/channel.ts'
import type { StoreIdentity } from './store.ts'

/** The connections of this process, which is the only one, and the table of the times at which channels last had one. */
export class Seen {
  readonly #statements: ReturnType<typeof prepare>
  readonly #store: StoreIdentity
  readonly #connections = new Map<Channel, number>()
  /** The last channel that a sweep looked at. */
  #last = ''

  constructor(database: DatabaseSync, store: StoreIdentity) {
    this.#statements = prepare(database)
    this.#store = store
  }

  /** The number of connections that a channel has now. */
  connectionsOf(channel: Channel): number {
    return this.#connections.get(channel) ?? 0
  }

  /** States the number of connections of a channel. */
  set(channel: Channel, connections: number): void {
    if (connections > 0) this.#connections.set(channel, connections)
    else this.#connections.delete(channel)
  }

  /** The time at which a channel last had a connection, in milliseconds since the epoch; undefined if that is not known. */
  lastSeen(channel: Channel): number | undefined {
    if (this.#connections.has(channel)) return Date.now()
    return this.stored(channel)
  }

  /** The time in the table. */
  stored(channel: Channel): number | undefined {
    return (this.#statements.find.get(channel) as { at: number } | undefined)?.at
  }

  /** Notes within a transaction that a channel has, or had until now, a connection. */
  note(channel: Channel): void {
    this.#statements.put.run(channel, Date.now())
  }

  /** Forgets within a transaction what is older than a log is remembered, of at most `limit` channels: each call looks at the next ones. */
  sweep(now: number, limit: number): void {
    const seen = this.#statements.next.all(this.#last, limit) as unknown as { channel: Channel; at: number }[]
    for (const { channel, at } of seen)
      if (at < now - this.#store.of(channel).keptFor && !this.#connections.has(channel))
        this.#statements.remove.run(channel)
    this.#last = seen.length < limit ? '' : seen.at(-1)!.channel
  }
}

const prepare = (database: DatabaseSync) => ({
  find: database.prepare('SELECT at FROM seen WHERE channel = ?'),
  put: database.prepare(
    'INSERT INTO seen (channel, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at',
  ),
  remove: database.prepare('DELETE FROM seen WHERE channel = ?'),
  next: database.prepare('SELECT channel, at FROM seen WHERE channel > ? ORDER BY channel LIMIT ?'),
})
