import type { Arrival, Arrivals } from '../engine/arrivals.ts'
import type { Connections } from '../engine/connections.ts'
import { type Channel, idOfChannel, isUserChannel } from '../model/channel.ts'
import type { StreamPosition } from '../model/position.ts'

/** The most users in one call, so that no call takes the store long. */
const MAX_AT_ONCE = 64

/** A channel that connections come to and go from. */
export interface Announced {
  readonly channel: Channel
  /** The connections by now; undefined once the channel is no longer heard here. */
  readonly connections: number | undefined
  /** Where it stands here; the answer once it is no longer heard. */
  readonly position: StreamPosition
}

/** The facts for a connection that has come to a channel. */
export interface Entered {
  /** The end of the log. */
  head: StreamPosition
  /** On a user's channel. */
  arrival?: Arrival
}

/** Calls that wait for the end of the turn; each resolves to undefined if the channel is no longer heard by then. */
type Waiting<Answer> = Map<Announced, PromiseWithResolvers<Answer | undefined>>

/** States to the engine how many connections channels have, once for all that come and go in one turn of the event loop. */
export class Announcements {
  readonly #engine: { connections: Connections; arrivals: Arrivals }
  #announcing: Waiting<StreamPosition> = new Map()
  #entering: Waiting<Arrival> = new Map()
  #scheduled = false

  constructor(engine: { connections: Connections; arrivals: Arrivals }) {
    this.#engine = engine
  }

  /** Resolves to the end of the log. Rejects with the engine's error. */
  async announce(one: Announced): Promise<StreamPosition> {
    return (await this.#add(this.#announcing, one)) ?? one.position
  }

  /** The same for a channel to which a connection has come: resolves to what that needs as well. The users of one turn share a call. */
  async enter(one: Announced): Promise<Entered> {
    if (!isUserChannel(one.channel)) return { head: await this.announce(one) }
    const arrival = await this.#add(this.#entering, one)
    return arrival === undefined ? { head: one.position } : { head: arrival.position, arrival }
  }

  #add<Answer>(waiting: Waiting<Answer>, one: Announced): Promise<Answer | undefined> {
    let call = waiting.get(one)
    if (call === undefined) {
      call = Promise.withResolvers<Answer | undefined>()
      waiting.set(one, call)
    }
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#flush)
    }
    return call.promise
  }

  readonly #flush = (): void => {
    const announcing = this.#announcing
    const entering = this.#entering
    this.#scheduled = false
    if (announcing.size > 0) this.#announcing = new Map()
    if (entering.size > 0) this.#entering = new Map()
    // The count may be another feed's by now, if the channel was left and entered again.
    for (const [{ channel, connections }, { resolve, reject }] of announcing)
      if (connections === undefined) resolve(undefined)
      else this.#engine.connections.announce(channel, connections).then(resolve, reject)
    this.#enterAll([...entering])
  }

  #enterAll(entering: [Announced, PromiseWithResolvers<Arrival | undefined>][]): void {
    const here = entering.filter(([{ connections }, { resolve }]) => {
      if (connections === undefined) resolve(undefined)
      return connections !== undefined
    })
    for (let start = 0; start < here.length; start += MAX_AT_ONCE)
      void this.#enterSome(here.slice(start, start + MAX_AT_ONCE))
  }

  async #enterSome(entering: [Announced, PromiseWithResolvers<Arrival | undefined>][]): Promise<void> {
    const users = entering.map(([{ channel, connections }]) => ({
      user: idOfChannel(channel),
      connections: connections!,
    }))
    const results = await this.#engine.arrivals.enter(users)
    for (const [index, [, { resolve, reject }]] of entering.entries()) {
      const result = results[index]!
      if (result.status === 'fulfilled') resolve(result.value)
      else reject(result.reason)
    }
  }
}
