import { type Gap, isUnwritten, type StreamPosition } from '../../../src/core/model/position.ts'

/** A gap as a page receives it. */
export type ToldGap = Gap & { epoch: string }

/** The part of an epoch's name that only a wipe changes. */
export const incarnationOf = (epoch: string): string => epoch.slice(0, epoch.indexOf('.'))

/** True if a position or a gap is of this epoch's incarnation, or of before a log was written, which any incarnation may follow on. */
const isOneLife = (before: { epoch: string }, epoch: string): boolean =>
  isUnwritten(before) || incarnationOf(before.epoch) === incarnationOf(epoch)

/** One page's reading of one channel, judged event by event, as its callbacks are called. */
export class Reading {
  /** The cursor that the page would keep and come back with. */
  cursor: StreamPosition | undefined
  /** The position at which it began to read. */
  start: StreamPosition | undefined
  /** The name of each publication that was seen, and where it was seen first. */
  readonly seen = new Map<string, StreamPosition>()
  readonly gaps: ToldGap[] = []
  duplicated = 0
  /** Seen again in a log that was founded anew: the wipe took the idempotency key along, and the backend repeated. */
  repeatedAfterWipe = 0
  disordered = 0
  /** An event that does not follow on the one before, without a gap between them. */
  falseContinuity = 0
  /** Faults, for people. */
  readonly faults: string[] = []
  #gap: ToldGap | undefined

  /** A publication came. */
  hear({ seq, epoch }: StreamPosition, name: string): void {
    const before = this.seen.get(name)
    if (before === undefined) this.seen.set(name, { seq, epoch })
    else if (incarnationOf(before.epoch) !== incarnationOf(epoch)) this.repeatedAfterWipe++
    else {
      this.duplicated++
      this.#fault(`${name} again`, { seq, epoch })
    }
    if (this.#isBehind({ seq, epoch })) {
      if (before === undefined) {
        this.disordered++
        this.#fault(`${name} too late`, { seq, epoch })
      }
      return
    }
    this.#follow(seq - 1, epoch)
    this.#goTo({ seq, epoch })
  }

  /** A gap came. */
  miss(gap: ToldGap): void {
    this.gaps.push(gap)
    this.#gap = gap
  }

  /** "You are up to date from here." */
  reach(position: StreamPosition): void {
    this.start ??= position
    this.#follow(position.seq, position.epoch)
    this.#goTo(position)
  }

  #isBehind({ seq, epoch }: StreamPosition): boolean {
    const { cursor } = this
    return cursor !== undefined && incarnationOf(cursor.epoch) === incarnationOf(epoch) && seq <= cursor.seq
  }

  /** Everything up to `end` must have been seen, or lie within a gap. */
  #follow(end: number, epoch: string): void {
    const { cursor } = this
    const gap = this.#gap
    if (cursor === undefined) return
    const continuous = isOneLife(cursor, epoch)
      ? cursor.seq === end || (gap !== undefined && gap.from <= cursor.seq + 1 && gap.to >= end)
      : gap !== undefined && isOneLife(gap, epoch)
    if (continuous) return
    this.falseContinuity++
    this.#fault('no continuity', { seq: end, epoch })
  }

  #goTo(position: StreamPosition): void {
    this.cursor = position
    this.#gap = undefined
  }

  #fault(what: string, { seq, epoch }: StreamPosition): void {
    const { cursor } = this
    this.faults.push(`${what}: ${seq} of ${epoch}, after ${cursor?.seq} of ${cursor?.epoch}`)
  }
}
