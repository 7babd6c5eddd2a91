import type { Connection } from '../../src/core/model/connection.ts'
import type { Control } from '../../src/core/model/control.ts'
import type { Counts } from '../../src/core/model/item.ts'
import type { Gap, StreamPosition } from '../../src/core/model/position.ts'
import { type Publication, payloadOf } from '../../src/core/model/publication.ts'

/** A connection that writes down what it is given. */
export class Recorder implements Connection {
  readonly id: string
  user: string | undefined
  readonly heard: Publication[] = []
  readonly gaps: Gap[] = []
  readonly positions: StreamPosition[] = []
  /** The counts that came with each position. */
  readonly counts: (Counts | undefined)[] = []
  readonly controls: Control[] = []
  /** The channels of which something was lost. */
  readonly losses: string[] = []
  /** Number of times that the server has ended it for a fault of its own. */
  faults = 0
  #awaited: { count: number; reached: () => void } | undefined
  #looked: { title: string; found: () => void } | undefined

  constructor(id = 'recorder') {
    this.id = id
  }

  get seqs(): number[] {
    return this.heard.map(({ seq }) => seq)
  }

  send(publication: Publication): void {
    this.heard.push(publication)
    if (this.heard.length === this.#awaited?.count) this.#awaited.reached()
    if (this.#looked !== undefined && payloadOf(publication).title === this.#looked.title)
      this.#looked.found()
  }

  sendGap(_channel: string, _epoch: string, gap: Gap): void {
    this.gaps.push(gap)
  }

  sendPosition(_channel: string, position: StreamPosition, counts?: Counts): void {
    this.positions.push(position)
    this.counts.push(counts)
  }

  /** Resolves in the next turn of the event loop, unless a test replaces it. */
  drained(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  handleControl(control: Control): void {
    this.controls.push(control)
  }

  handleFault(): void {
    this.faults++
  }

  handleLoss(channel: string): void {
    this.losses.push(channel)
  }

  /** Resolves when so many publications have been heard in all. */
  async hears(count: number): Promise<void> {
    if (this.heard.length >= count) return
    await new Promise<void>((resolve) => {
      this.#awaited = { count, reached: resolve }
    })
  }

  /** Resolves when a notification with this title has been heard. */
  async shows(title: string): Promise<void> {
    if (this.heard.some((publication) => payloadOf(publication).title === title)) return
    await new Promise<void>((resolve) => {
      this.#looked = { title, found: resolve }
    })
  }
}
