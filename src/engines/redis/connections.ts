import type { Arrival, Arrivals, ArrivingUser } from '../../core/engine/arrivals.ts'
import type { ConnectionCount, Connections } from '../../core/engine/connections.ts'
import { backoff } from '../../core/lifecycle/backoff.ts'
import { type Channel, isUserChannel, userChannel } from '../../core/model/channel.ts'
import { type StreamPosition, unwrittenEpoch } from '../../core/model/position.ts'
import type { ConnectionSum } from './broker.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { RedisRegistry } from './registry.ts'
import type { EnterAnswer, ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'
import type { Store } from './store.ts'

/** The time after which a count that is not stated again is forgotten, in seconds: four times the interval of the hub's checks. */
const COUNT_SECONDS = 120

/** The connections per channel and process, which the reader sums up. */
export class RedisConnections implements Connections, Arrivals {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #process: string
  readonly #store: Store
  readonly #sum: ConnectionSum
  /** Channels whose count is being withdrawn, or could not be; each with an object that tells one withdrawal from the next. */
  readonly #leaving = new Map<Channel, object>()
  #withdrawing = false
  #closed = false

  constructor(
    connection: CommandConnection,
    scripts: ScriptedClient,
    keys: Keys,
    options: { process: string; store: Store; sum: ConnectionSum },
  ) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#process = options.process
    this.#store = options.store
    this.#sum = options.sum
  }

  async announce(channel: Channel, connections: number): Promise<StreamPosition> {
    if (connections === 0) return this.#withdraw(channel)
    this.#leaving.delete(channel)
    return this.#state(channel, connections)
  }

  async enter(users: readonly ArrivingUser[]): Promise<PromiseSettledResult<Arrival>[]> {
    if (users.length === 0) return []
    // On a Cluster their keys are on several servers, of which one may be away.
    if (this.#connection.isCluster)
      return (await Promise.all(users.map((one) => this.#enterTogether([one])))).flat()
    return this.#enterTogether(users)
  }

  /** One script states the connections and reads the rest, so that nothing can change in between. */
  async #enterTogether(users: readonly ArrivingUser[]): Promise<PromiseSettledResult<Arrival>[]> {
    const channels = users.map(({ user }) => userChannel(user))
    for (const channel of channels) this.#leaving.delete(channel)
    const now = Date.now()
    try {
      const [identity, ...answers] = await this.#connection.run(() =>
        this.#scripts.enter(
          ...this.#keys.ofUsers(channels),
          this.#process,
          now,
          COUNT_SECONDS,
          this.#store.lifetimeOf(channels[0]!),
          newIncarnation(),
          users.map(({ connections }) => connections).join(' '),
        ),
      )
      return answers.map((answer) => ({ status: 'fulfilled', value: arrivalOf(answer, identity, now) }))
    } catch (reason) {
      return users.map(() => ({ status: 'rejected', reason }))
    }
  }

  /** Stops trying to withdraw counts. They end with the heartbeat of the process. */
  close(): void {
    this.#closed = true
  }

  async #withdraw(channel: Channel): Promise<StreamPosition> {
    const withdrawal = {}
    this.#leaving.set(channel, withdrawal)
    try {
      const head = await this.#state(channel, 0)
      if (this.#leaving.get(channel) === withdrawal) this.#leaving.delete(channel)
      return head
    } catch (error) {
      void this.#withdrawAgain()
      throw error
    }
  }

  /** Tries until every count is withdrawn, one channel after the other. Only counts above 0 are stated again by the hub's next check. */
  async #withdrawAgain(): Promise<void> {
    if (this.#withdrawing) return
    this.#withdrawing = true
    for (let attempt = 0; this.#leaving.size > 0 && !this.#closed; attempt++) {
      await backoff(attempt)
      // A connection may have come meanwhile.
      for (const channel of [...this.#leaving.keys()])
        if (this.#leaving.has(channel)) await this.#withdraw(channel).catch(ignoreAbsence)
    }
    this.#withdrawing = false
  }

  async #state(channel: Channel, connections: number): Promise<StreamPosition> {
    const [seq, epoch, identity] = await this.#connection.run(() =>
      this.#scripts.announce(
        ...this.#keys.withIdentity(channel),
        this.#process,
        connections,
        Date.now(),
        COUNT_SECONDS,
        isUserChannel(channel) ? this.#store.lifetimeOf(channel) : '',
        newIncarnation(),
      ),
    )
    return { seq, epoch: epoch === '' ? unwrittenEpoch(identity, Date.now()) : epoch }
  }

  async count(channels: readonly Channel[]): Promise<ConnectionCount[]> {
    const { client } = this.#connection
    return this.#connection.run(() =>
      Promise.all(
        channels.map(async (channel) => {
          const [connections, seen] = await Promise.all([
            client.hgetall(this.#keys.connections(channel)),
            client.get(this.#keys.lastSeen(channel)),
          ])
          return {
            connections: this.#sum(channel, Object.entries(connections).flat()),
            lastSeen: seen === null ? undefined : Number(seen),
          }
        }),
      ),
    )
  }
}

/** Most users are members of no room. */
const NO_ROOMS: ReadonlyMap<string, boolean> = new Map()

function arrivalOf([seq, epoch, revoked, flat]: EnterAnswer, identity: string, now: number): Arrival {
  return {
    position: { seq, epoch: epoch === '' ? unwrittenEpoch(identity, now) : epoch },
    revokedUntil: Number(revoked),
    memberships: flat.length === 0 ? NO_ROOMS : roomsOf(flat),
  }
}

function roomsOf(flat: readonly string[]): Map<string, boolean> {
  const rooms = new Map<string, boolean>()
  for (let index = 0; index < flat.length; index += 2) rooms.set(flat[index]!, flat[index + 1] === '1')
  return rooms
}

/** Creates a sum that also deletes the counts of dead processes, which would have expired if no other process had connections on the channel. */
export function createSum(
  connection: CommandConnection,
  keys: Keys,
  registry: Pick<RedisRegistry, 'isAlive' | 'isGone'>,
): ConnectionSum {
  return (channel, flat) => {
    let connections = 0
    const gone: string[] = []
    for (let index = 0; index < flat.length; index += 2) {
      const process = flat[index]!.toString()
      if (registry.isAlive(process)) connections += Number(flat[index + 1])
      else if (registry.isGone(process, COUNT_SECONDS * 1000)) gone.push(process)
    }
    if (gone.length > 0)
      connection.run(() => connection.client.hdel(keys.connections(channel), ...gone)).catch(ignoreAbsence)
    return connections
  }
}

function ignoreAbsence(): void {
  // It is tried again: by the next round, or by the next process that finds it.
}
