import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { EngineOptions } from '../../../core/engine/engine.ts'
import { type Channel, isUserChannel } from '../../../core/model/channel.ts'
import { rememberedFor, type StoreFacts } from '../../../core/model/position.ts'

/** The facts about the store that stand for logs that were not yet written. */
export class StoreIdentity {
  readonly #user: StoreFacts
  readonly #room: StoreFacts

  /**
   * Reads the identity, which is made at the first use. It is made anew when logs are remembered for longer than in the run before: that has
   * forgotten some which this one would vouch for.
   */
  constructor(database: DatabaseSync, { user, room }: EngineOptions['retention']) {
    const known = database.prepare('SELECT identity, userSeconds, roomSeconds FROM store').get() as
      | { identity: string; userSeconds: number; roomSeconds: number }
      | undefined
    const isLonger = (seconds: number, before: number): boolean =>
      rememberedFor(seconds) > rememberedFor(before)
    const identity =
      known === undefined ||
      isLonger(user.seconds * 1000, known.userSeconds * 1000) ||
      isLonger(room.seconds * 1000, known.roomSeconds * 1000)
        ? randomBytes(9).toString('base64url')
        : known.identity
    database
      .prepare('INSERT OR REPLACE INTO store (id, identity, userSeconds, roomSeconds) VALUES (1, ?, ?, ?)')
      .run(identity, user.seconds, room.seconds)
    this.#user = { identity, keptFor: rememberedFor(user.seconds * 1000) }
    this.#room = { identity, keptFor: rememberedFor(room.seconds * 1000) }
  }

  /** The facts that judge cursors of a channel. */
  of(channel: Channel): StoreFacts {
    return isUserChannel(channel) ? this.#user : this.#room
  }
}
