import type { Counts } from '../model/item.ts'
import type { StreamPosition } from '../model/position.ts'
import type { Publication } from '../model/publication.ts'

/** How much may wait for a replay to end, in bytes; beyond it the log is read again instead. */
const MAX_BYTES = 131_072

/** The end of the log, as a page of it says. */
export interface PageHead {
  head: StreamPosition
  counts: Counts | undefined
}

/** A publication that waits, and where the feed stood before it. */
export interface BufferedPublication {
  publication: Publication
  before: StreamPosition
}

/** The publications that come in live while a subscription reads the log. */
export class ReplayBuffer {
  /** Some of it was dropped, since it was too much or cannot be trusted: the log has to be read once more. */
  isLost = false
  #items: BufferedPublication[] = []
  #bytes = 0

  get items(): readonly BufferedPublication[] {
    return this.#items
  }

  add(held: BufferedPublication): void {
    this.#bytes += held.publication.packet.length
    this.#items.push(held)
    if (this.#bytes > MAX_BYTES) this.drop()
  }

  /** Takes out the first ones. */
  take(count: number): BufferedPublication[] {
    const taken = this.#items.splice(0, count)
    for (const { publication } of taken) this.#bytes -= publication.packet.length
    return taken
  }

  drop(): void {
    this.#items = []
    this.#bytes = 0
    this.isLost = true
  }
}
