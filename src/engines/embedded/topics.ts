import type { PublicationHandler } from '../../core/engine/broker.ts'
import type { EngineOptions } from '../../core/engine/engine.ts'
import type { Channel } from '../../core/model/channel.ts'
import { decode } from '../../core/model/encoding.ts'
import type { Publication } from '../../core/model/publication.ts'

/** Who hears which channel in this process, which is all there is. */
export class Topics {
  readonly #report: EngineOptions['report']
  readonly #handlers = new Map<Channel, Set<PublicationHandler>>()

  constructor(report: EngineOptions['report']) {
    this.#report = report
  }

  add(channel: Channel, handler: PublicationHandler): void {
    const handlers = this.#handlers.get(channel)
    if (handlers === undefined) this.#handlers.set(channel, new Set([handler]))
    else handlers.add(handler)
  }

  remove(channel: Channel, handler: PublicationHandler): void {
    const handlers = this.#handlers.get(channel)
    if (handlers?.delete(handler) && handlers.size === 0) this.#handlers.delete(channel)
  }

  /** Hands a publication in its wire form to all who hear the channel. */
  publish(channel: Channel, message: Buffer): void {
    const handlers = this.#handlers.get(channel)
    if (handlers === undefined) return
    const publication = this.#read(channel, message)
    if (publication === undefined) return
    for (const handler of handlers) {
      try {
        handler(publication)
      } catch (error) {
        // One handler's fault is not another's loss.
        this.#report(error)
      }
    }
  }

  /** What is not a publication is heard by nobody; whoever has stored it is not to end with it. */
  #read(channel: Channel, message: Buffer): Publication | undefined {
    try {
      return decode(channel, message)
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }
}
