import type { Channel } from '../../core/channel.ts'
import type { Attendance, EngineOptions, Presence } from '../../core/engine.ts'
import type { StreamPosition } from '../../core/position.ts'
import type { ConnectionSum } from './broker.ts'
import type { RedisConnection } from './connection.ts'
import type { Keys } from './keys.ts'
import { birth, type ScriptedClient } from './scripts.ts'

/** A count that is not stated again for so long is forgotten, in seconds; four times the interval of the hub's checks. */
const COUNT_SECONDS = 120

/** Connections per channel and process, summed by whoever asks. */
export class RedisPresence implements Presence {
  readonly #connection: RedisConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #process: string
  readonly #metaLifetime: number
  readonly #sum: ConnectionSum

  constructor(
    connection: RedisConnection,
    scripts: ScriptedClient,
    keys: Keys,
    options: { process: string; retention: EngineOptions['retention']; sum: ConnectionSum },
  ) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#process = options.process
    this.#metaLifetime =
      Math.max(options.retention.user.seconds, options.retention.room.seconds) * 2000 + 60_000
    this.#sum = options.sum
  }

  async announce(channel: Channel, connections: number): Promise<StreamPosition> {
    const [seq, epoch] = await this.#connection.run(() =>
      this.#scripts.announce(
        this.#keys.log(channel),
        this.#keys.meta(channel),
        this.#keys.connections(channel),
        birth(),
        this.#process,
        connections,
        Date.now(),
        this.#metaLifetime,
        COUNT_SECONDS,
      ),
    )
    return { seq, epoch }
  }

  async count(channels: readonly Channel[]): Promise<Attendance[]> {
    const { client } = this.#connection
    return this.#connection.run(() =>
      Promise.all(
        channels.map(async (channel) => {
          const [connections, seen] = await Promise.all([
            client.hgetall(this.#keys.connections(channel)),
            client.hget(this.#keys.meta(channel), 'seen'),
          ])
          return {
            connections: this.#sum(Object.entries(connections).flat()),
            lastSeen: seen === null ? undefined : Number(seen),
          }
        }),
      ),
    )
  }
}
