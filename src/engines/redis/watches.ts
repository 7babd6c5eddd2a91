import { randomUUID } from 'node:crypto'
import type { NextWatch, TakenWatch, Watch, Watches } from '../../core/watches.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'
import type { ScriptedClient } from './scripts.ts'

/** How many one call hastens: a script should not hold up the others for long. */
const AT_ONCE = 1000

/** The watches on Redis: one sorted set of times and one hash, one script per verb. */
export class RedisWatches implements Watches {
  readonly #connection: RedisConnection
  readonly #scripts: ScriptedClient
  readonly #keys: readonly [string, string]

  constructor(connection: RedisConnection, scripts: ScriptedClient, keys: Keys) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys.watches
  }

  async put(watch: Watch, at: number): Promise<void> {
    await this.#connection.run(() =>
      this.#scripts.putWatch(...this.#keys, watch.id, watch.version, at, JSON.stringify(watch)),
    )
  }

  async take(now: number, until: number, limit: number): Promise<TakenWatch[]> {
    const token = randomUUID()
    const taken = await this.#connection.run(() =>
      this.#scripts.takeWatches(...this.#keys, now, until, limit, token),
    )
    return taken.map((text) => ({ watch: JSON.parse(text), token }))
  }

  async hasten(ids: readonly string[], now: number, deliveredAt = ''): Promise<void> {
    for (let first = 0; first < ids.length; first += AT_ONCE) {
      const some = ids.slice(first, first + AT_ONCE)
      await this.#connection.run(() => this.#scripts.hastenWatches(...this.#keys, now, deliveredAt, ...some))
    }
  }

  async settle({ watch, token }: TakenWatch, next: NextWatch, now: number): Promise<boolean> {
    const settled = await this.#connection.run(() =>
      this.#scripts.settleWatch(
        ...this.#keys,
        watch.id,
        watch.version,
        token,
        now,
        next?.at ?? '',
        next === undefined ? '' : JSON.stringify(next.watch),
      ),
    )
    return settled === 1
  }
}
