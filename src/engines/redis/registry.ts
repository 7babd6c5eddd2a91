import { randomBytes } from 'node:crypto'
import type { Peer, Registry } from '../../core/engine/registry.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'

/** Milliseconds between two heartbeats. */
const INTERVAL = 2000

/** Milliseconds without a heartbeat after which a process is dead. Its connections are gone within this and two intervals: ten seconds. */
const DEAD_AFTER = 6000

/** The processes that share this Redis, which give a heartbeat every two seconds. */
export class RedisRegistry implements Registry {
  /** This process's name, which begins with the time of its start. */
  readonly process = `${Date.now().toString(36)}-${randomBytes(6).toString('base64url')}`
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #timer: NodeJS.Timeout
  #peer: Peer = { role: 'unknown', url: '' }
  #alive = new Map<string, Peer>()
  /** The processes that are no longer alive, with the time at which that was noticed, in milliseconds since the epoch. */
  readonly #dead = new Map<string, number>()
  readonly #deathListeners: (() => void)[] = []
  readonly #returnListeners: (() => void)[] = []

  constructor(connection: CommandConnection, scripts: ScriptedClient, keys: Keys) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    const beat = () => this.beat().catch(missedBeat)
    this.#timer = setInterval(beat, INTERVAL).unref()
    connection.client.on('ready', beat)
  }

  enter(peer: Peer): void {
    this.#peer = peer
    this.beat().catch(missedBeat)
  }

  async peers(): Promise<Peer[]> {
    await this.beat()
    return [...this.#alive.values()]
  }

  /** Gives a heartbeat, and reads which other processes do. Rejects with the engine's error. */
  async beat(): Promise<void> {
    const [added, ...flat] = await this.#beat(JSON.stringify(this.#peer))
    const alive = new Map<string, Peer>()
    for (let index = 0; index < flat.length; index += 2) alive.set(flat[index]!, JSON.parse(flat[index + 1]!))
    const died = [...this.#alive.keys()].filter((process) => !alive.has(process))
    this.#alive = alive
    for (const process of died) this.#dead.set(process, Date.now())
    for (const process of alive.keys()) this.#dead.delete(process)
    if (died.length > 0) for (const listener of this.#deathListeners) listener()
    if (added === 1) for (const listener of this.#returnListeners) listener()
  }

  /** True if the connections of a process count. One that has just started may be alive before its heartbeat was read here. */
  isAlive(process: string): boolean {
    if (this.#alive.has(process)) return true
    return !this.#dead.has(process) && Date.now() - Number.parseInt(process, 36) < DEAD_AFTER + INTERVAL
  }

  /** True if a process has been dead for `silence` milliseconds. If it was never seen alive, the time counts from the first call for it. */
  isGone(process: string, silence: number): boolean {
    if (this.isAlive(process)) return false
    const since = this.#dead.get(process) ?? Date.now()
    this.#dead.set(process, since)
    return Date.now() - since >= silence
  }

  /** Adds a listener, which is called whenever a process that was alive no longer is, whether it died or was closed. */
  onDeath(listener: () => void): void {
    this.#deathListeners.push(listener)
  }

  /** Adds a listener, which is called whenever this process gives a heartbeat after the others may have taken it for dead. */
  onReturn(listener: () => void): void {
    this.#returnListeners.push(listener)
  }

  /** Withdraws this process. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#beat('').catch(missedBeat)
  }

  #beat(peer: string): Promise<[added: number, ...peers: string[]]> {
    return this.#connection.run(() =>
      this.#scripts.heartbeat(this.#keys.alive, this.#keys.peers, this.process, peer, DEAD_AFTER),
    )
  }
}

function missedBeat(): void {
  // The next heartbeat follows by itself, and the probe reports that Redis is away.
}
