import { randomUUIDv7 } from 'node:crypto'
import type { Presence, PresentUser, PresentUsers } from '../../core/engine/presence.ts'
import { roomChannel } from '../../core/model/channel.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { RedisRegistry } from './registry.ts'
import type { ScriptedClient } from './scripts/calls.ts'

/** The time after which a statement that is not repeated is forgotten, in seconds: four times the interval. */
const KEPT_SECONDS = 120

/** Milliseconds between two statements of everything. */
const INTERVAL = 30_000

/** The time that the users of a dead process have to connect to another one before they count as gone, in milliseconds. */
const RETURN_PATIENCE = 1500

/** The most users that one call of a script states. */
const AT_ONCE = 500

/** The users in each room: their connections per process, and the number of processes of each user. Whoever notices a dead process removes it. */
export class RedisPresence implements Presence {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #registry: RedisRegistry
  readonly #timer: NodeJS.Timeout
  #sweeping: NodeJS.Timeout | undefined
  /** The connections that this process has stated, by room and user; 0 until a user has been withdrawn. */
  readonly #stated = new Map<string, Map<string, number>>()

  constructor(connection: CommandConnection, scripts: ScriptedClient, keys: Keys, registry: RedisRegistry) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#registry = registry
    this.#timer = setInterval(() => this.stateAgain(), INTERVAL).unref()
    registry.onReturn(() => this.stateAgain())
    registry.onDeath(() => {
      this.#sweeping ??= setTimeout(() => {
        this.#sweeping = undefined
        this.#eachRoom((room) => this.#removeDead(room)).catch(ignoreAbsence)
      }, RETURN_PATIENCE).unref()
    })
  }

  async state(room: string, users: ReadonlyMap<string, number>): Promise<void> {
    const stated = this.#stated.get(room) ?? new Map<string, number>()
    this.#stated.set(room, stated)
    for (const [user, connections] of users) stated.set(user, connections)
    await this.#stateUsers(room, [...users.keys()])
  }

  async list(room: string, most: number): Promise<PresentUsers> {
    const channel = roomChannel(room)
    const { client } = this.#connection
    return this.#connection.run(async () => {
      const processes = await this.#removeDead(room)
      const [count, names] = await Promise.all([
        client.hlen(this.#keys.presentUsers(channel)),
        this.#names(this.#keys.presentUsers(channel), most),
      ])
      if (names.length === 0) return { users: [], count }
      const counts = await Promise.all(
        processes.map((process) => client.hmget(this.#keys.presenceOf(channel, process), ...names)),
      )
      const users = names.map((user, index): PresentUser => {
        const connections = counts.reduce((sum, ofProcess) => sum + Number(ofProcess[index] ?? 0), 0)
        return { user, connections }
      })
      return { users, count }
    })
  }

  /** States everything again, since the store may have forgotten it, or would in time. */
  stateAgain(): void {
    this.#eachRoom(async (room, users) => {
      await this.#removeDead(room)
      await this.#stateUsers(room, [...users.keys()])
    }).catch(ignoreAbsence)
  }

  /** Ends the timers. The statements end with the heartbeat of the process. */
  close(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#sweeping)
  }

  /** Works on one room after the other, so that thousands of them do not crowd out the publishes. */
  async #eachRoom(action: (room: string, users: Map<string, number>) => Promise<unknown>): Promise<void> {
    for (const [room, users] of this.#stated) await action(room, users)
  }

  /** States the connections that the users have when the call is made: a user who leaves meanwhile must not come back. */
  async #stateUsers(room: string, users: readonly string[]): Promise<void> {
    for (let start = 0; start < users.length; start += AT_ONCE) {
      let counts: [user: string, connections: number][] = []
      await this.#connection.run(() => {
        const stated = this.#stated.get(room)
        counts = users.slice(start, start + AT_ONCE).map((user) => [user, stated?.get(user) ?? 0])
        return this.#scripts.statePresence(
          ...this.#callOn(room, this.#registry.process),
          KEPT_SECONDS,
          ...counts.flat(),
        )
      })
      this.#forgetWithdrawn(room, counts)
    }
  }

  /** Forgets the users that have been withdrawn. One that could not be withdrawn is kept for the next statement. */
  #forgetWithdrawn(room: string, counts: readonly [user: string, connections: number][]): void {
    const stated = this.#stated.get(room)
    if (stated === undefined) return
    for (const [user, connections] of counts)
      if (connections === 0 && stated.get(user) === 0) stated.delete(user)
    if (stated.size === 0) this.#stated.delete(room)
  }

  /** Removes the users of dead processes from a room; resolves to the living processes that have users there. */
  async #removeDead(room: string): Promise<string[]> {
    const processes = await this.#connection.run(() =>
      this.#connection.client.smembers(this.#keys.presentProcesses(roomChannel(room))),
    )
    const isDead = (process: string): boolean => !this.#registry.isAlive(process)
    // The last heartbeats were read some time ago.
    if (processes.some(isDead)) await this.#registry.beat()
    for (const process of processes.filter(isDead))
      await this.#connection.run(() => this.#scripts.removePresence(...this.#callOn(room, process)))
    return processes.filter((process) => !isDead(process))
  }

  /** The fields of a hash, at most `most` of them. */
  async #names(key: string, most: number): Promise<string[]> {
    const names = new Set<string>()
    let cursor = '0'
    do {
      const [next, flat] = await this.#connection.client.hscan(key, cursor, 'COUNT', most)
      flat.forEach((text, index) => {
        if (index % 2 === 0) names.add(text)
      })
      cursor = next
    } while (cursor !== '0' && names.size < most)
    return [...names].slice(0, most)
  }

  #callOn(room: string, process: string): Parameters<ScriptedClient['removePresence']> {
    const channel = roomChannel(room)
    return [
      this.#keys.presentUsers(channel),
      this.#keys.presentProcesses(channel),
      this.#keys.presenceOf(channel, process),
      this.#keys.topic(channel),
      process,
      JSON.stringify(room),
      randomUUIDv7(),
      Date.now(),
      this.#connection.publishCommand,
    ]
  }
}

function ignoreAbsence(): void {
  // While the store is away nothing can be stated; when it is back, everything is stated again.
}
