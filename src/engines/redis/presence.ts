import { randomUUIDv7 } from 'node:crypto'
import type { Presence, PresentUser, PresentUsers } from '../../core/engine/presence.ts'
import { roomChannel } from '../../core/model/channel.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { RedisRegistry } from './registry.ts'
import type { ScriptedClient } from './scripts/calls.ts'

/** What is not stated again for so long is forgotten, in seconds; four times the interval. */
const KEPT_SECONDS = 120
const INTERVAL = 30_000

/** How long the people of a process that has gone may take to come back on another one, in milliseconds. */
const RETURN_PATIENCE = 1500

/** How many people one call of a script states. */
const AT_ONCE = 500

/** Who is in which room: counts per process beside each room's log, and the sum of users; dead processes are taken out by whoever notices. */
export class RedisPresence implements Presence {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #registry: RedisRegistry
  readonly #timer: NodeJS.Timeout
  #sweeping: NodeJS.Timeout | undefined
  /** What this process has stated; 0 until it has been withdrawn. */
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
        this.#eachRoom((room) => this.#bury(room)).catch(ignoreAbsence)
      }, RETURN_PATIENCE).unref()
    })
  }

  async state(room: string, people: ReadonlyMap<string, number>): Promise<void> {
    const stated = this.#stated.get(room) ?? new Map<string, number>()
    this.#stated.set(room, stated)
    for (const [user, connections] of people) stated.set(user, connections)
    await this.#attend(room, [...people.keys()])
  }

  async list(room: string, most: number): Promise<PresentUsers> {
    const channel = roomChannel(room)
    const { client } = this.#connection
    return this.#connection.run(async () => {
      const hosts = await this.#bury(room)
      const [count, names] = await Promise.all([
        client.hlen(this.#keys.people(channel)),
        this.#names(this.#keys.people(channel), most),
      ])
      if (names.length === 0) return { users: [], count }
      const counts = await Promise.all(
        hosts.map((process) => client.hmget(this.#keys.guests(channel, process), ...names)),
      )
      const users = names.map((user, index): PresentUser => {
        const connections = counts.reduce((sum, ofHost) => sum + Number(ofHost[index] ?? 0), 0)
        return { user, connections }
      })
      return { users, count }
    })
  }

  /** States everything again: the store may have forgotten it, and would forget it in time. */
  stateAgain(): void {
    this.#eachRoom(async (room, people) => {
      await this.#bury(room)
      await this.#attend(room, [...people.keys()])
    }).catch(ignoreAbsence)
  }

  /** Ends the timers. What was stated ends with the process's sign of runId. */
  close(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#sweeping)
  }

  /** One room after the other, so that thousands of them do not crowd out the posts. */
  async #eachRoom(action: (room: string, people: Map<string, number>) => Promise<unknown>): Promise<void> {
    for (const [room, people] of this.#stated) await action(room, people)
  }

  /** States how many connections the users have when it is their turn: one who leaves meanwhile must not be brought back. */
  async #attend(room: string, users: readonly string[]): Promise<void> {
    for (let start = 0; start < users.length; start += AT_ONCE) {
      let people: [user: string, connections: number][] = []
      await this.#connection.run(() => {
        const stated = this.#stated.get(room)
        people = users.slice(start, start + AT_ONCE).map((user) => [user, stated?.get(user) ?? 0])
        return this.#scripts.attend(
          ...this.#callOn(room, this.#registry.process),
          KEPT_SECONDS,
          ...people.flat(),
        )
      })
      this.#forgetWithdrawn(room, people)
    }
  }

  /** One that could not be withdrawn is kept, and withdrawn with the next statement. */
  #forgetWithdrawn(room: string, people: readonly [user: string, connections: number][]): void {
    const stated = this.#stated.get(room)
    if (stated === undefined) return
    for (const [user, connections] of people)
      if (connections === 0 && stated.get(user) === 0) stated.delete(user)
    if (stated.size === 0) this.#stated.delete(room)
  }

  /** Takes out the people of dead processes; resolves to the living ones that have somebody there. */
  async #bury(room: string): Promise<string[]> {
    const hosts = await this.#connection.run(() =>
      this.#connection.client.smembers(this.#keys.hosts(roomChannel(room))),
    )
    const isDead = (process: string): boolean => !this.#registry.isAlive(process)
    // Some time has passed since it was last asked who is alive.
    if (hosts.some(isDead)) await this.#registry.beat()
    for (const process of hosts.filter(isDead))
      await this.#connection.run(() => this.#scripts.bury(...this.#callOn(room, process)))
    return hosts.filter((process) => !isDead(process))
  }

  /** The fields of a hash, so many at most. */
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

  #callOn(room: string, process: string): Parameters<ScriptedClient['bury']> {
    const channel = roomChannel(room)
    return [
      this.#keys.people(channel),
      this.#keys.hosts(channel),
      this.#keys.guests(channel, process),
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
  // While the store is away nothing can be stated; its return says that everything is to be stated again.
}
