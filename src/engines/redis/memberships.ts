import type { Membership, Memberships } from '../../core/engine/memberships.ts'
import { userChannel } from '../../core/model/channel.ts'
import { encodeOpening } from '../../core/model/encoding.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Draft } from '../../core/model/publication.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'
import type { Store } from './store.ts'

/** The answer of the script when the user is a member of too many rooms. */
const FULL = 2

/** Memberships in a hash beside the user's log, so that one script changes both. */
export class RedisMemberships implements Memberships {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #store: Store

  constructor(connection: CommandConnection, scripts: ScriptedClient, keys: Keys, store: Store) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#store = store
  }

  async grant({ room, publish }: Membership, control: Draft, most: number): Promise<boolean> {
    const status = await this.#change(room, publish ? '1' : '0', control, most)
    if (status === FULL)
      throw new ServiceError('too_many_memberships', `a user may be a member of ${most} rooms`)
    return status === 1
  }

  async withdraw({ room }: Pick<Membership, 'user' | 'room'>, control: Draft): Promise<boolean> {
    return (await this.#change(room, '', control, 0)) === 1
  }

  async of(user: string): Promise<Map<string, boolean>> {
    const key = this.#keys.memberships(userChannel(user))
    const rooms = await this.#connection.run(() => this.#connection.client.hgetall(key))
    return new Map(Object.entries(rooms).map(([room, publish]) => [room, publish === '1']))
  }

  #change(room: string, publish: '' | '0' | '1', control: Draft, most: number): Promise<number> {
    const { channel } = control
    return this.#connection.run(() =>
      this.#scripts.grant(
        ...this.#keys.of(channel),
        ...this.#store.envelope(control, this.#connection.runId),
        control.id,
        encodeOpening(control),
        control.tail,
        room,
        publish,
        most,
      ),
    )
  }
}
