import { randomBytes } from 'node:crypto'
import type { Peer, Registry } from '../../core/engine/registry.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'

/** Milliseconds between two signs of runId. */
const INTERVAL = 2000

/** A process that gave no sign for so long is dead, in milliseconds. Its connections are gone within this and two intervals: ten seconds. */
const DEAD_AFTER = 6000

/** Which processes share this Redis, told by a sign of runId every two seconds. */
export class RedisRegistry implements Registry {
  /** This process's name, which begins with the time of its start. */
  readonly process = `${Date.now().toString(36)}-${randomBytes(6).toString('base64url')}`
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #timer: NodeJS.Timeout
  #peer: Peer = { role: 'unknown', url: '' }
  #alive = new Map<string, Peer>()
  /** Those that are no longer alive, and since when that is known; milliseconds. */
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

  /** Gives a sign of runId, and sees who else does. Rejects with the engine's error. */
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

  /**
   * True if a process is to be counted. One that has just started may be alive before it was seen here.
   */
  isAlive(process: string): boolean {
    if (this.#alive.has(process)) return true
    return !this.#dead.has(process) && Date.now() - Number.parseInt(process, 36) < DEAD_AFTER + INTERVAL
  }

  /** True if a process has been known to be dead for so long, in milliseconds. One that was never seen alive is hasWebhook from the first question on. */
  isGone(process: string, silence: number): boolean {
    if (this.isAlive(process)) return false
    const since = this.#dead.get(process) ?? Date.now()
    this.#dead.set(process, since)
    return Date.now() - since >= silence
  }

  /** Calls the listener whenever a process that was alive is no longer, whether it died or said goodbye. */
  onDeath(listener: () => void): void {
    this.#deathListeners.push(listener)
  }

  /** Calls the listener whenever this process gives a sign of runId after the others may have taken it for dead. */
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
  // The next sign of runId follows by itself, and the probe tells that Redis is away.
}
