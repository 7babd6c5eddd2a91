import type { PublicationHandler } from '../../core/engine/broker.ts'
import type { EngineOptions } from '../../core/engine/engine.ts'
import type { Channel } from '../../core/model/channel.ts'
import { decode } from '../../core/model/encoding.ts'
import type { Publication } from '../../core/model/publication.ts'

/** The handlers of each channel in this process, which is the only one. */
export class Topics {
  readonly #report: EngineOptions['report']
  readonly #handlers = new Map<Channel, Set<PublicationHandler>>()

  constructor(report: EngineOptions['report']) {
    this.#report = report
  }

  /** Adds a handler of a channel; one that is there already is ignored. */
  add(channel: Channel, handler: PublicationHandler): void {
    const handlers = this.#handlers.get(channel)
    if (handlers === undefined) this.#handlers.set(channel, new Set([handler]))
    else handlers.add(handler)
  }

  /** Removes a handler of a channel; one that is not there is ignored. */
  remove(channel: Channel, handler: PublicationHandler): void {
    const handlers = this.#handlers.get(channel)
    if (handlers?.delete(handler) && handlers.size === 0) this.#handlers.delete(channel)
  }

  /** True if somebody would hear of a publication. */
  hasHandler(channel: Channel): boolean {
    return this.#handlers.has(channel)
  }

  /** Passes a publication in its wire form to all handlers of its channel. Reports what they throw. */
  publish(channel: Channel, message: Buffer): void {
    const handlers = this.#handlers.get(channel)
    if (handlers === undefined) return
    const publication = this.#read(channel, message)
    if (publication === undefined) return
    for (const handler of handlers) {
      try {
        handler(publication)
      } catch (error) {
        // The other handlers must still be called.
        this.#report(error)
      }
    }
  }

  /** Reads the wire form. Reports what is not a publication instead of throwing: this runs in the caller that has stored it. */
  #read(channel: Channel, message: Buffer): Publication | undefined {
    try {
      return decode(channel, message)
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }
}
