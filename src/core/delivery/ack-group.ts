import type { Acknowledgement } from '../engine/inbox.ts'
import type { Channel } from '../model/channel.ts'
import type { AckRange, AckWindow } from './ack-window.ts'

/** The longest that an acknowledgement waits for others, in milliseconds. */
export const ACK_PATIENCE = 100

/** The most acknowledgements in one call, so that no call takes the store long. */
const MAX_AT_ONCE = 100

/** Called when an acknowledgement has been noted in the store, or with the error for which it could not be. */
export type NotedHandler = (error?: unknown) => void

/** The part of a subscription to a user's log that acknowledges. */
export interface Acknowledging {
  readonly channel: Channel
  readonly ackWindow: AckWindow
}

/** Notes acknowledgements in the store; resolves to the result of each, in their order. Does not reject. */
export type Note = (acks: readonly Acknowledgement[]) => Promise<PromiseSettledResult<void>[]>

/**
 * The acknowledgements of the tabs of this process, which go to the store together: the highest of each tab, and one for the tabs of a user
 * where they overlap. What somebody waits for goes at once, with all that is there by then; the rest waits for a moment.
 */
export class AckGroup {
  readonly #note: Note
  readonly #report: (error: unknown) => void
  /** Those that have something to be noted, and who is told of it. */
  #waiting = new Map<Acknowledging, NotedHandler[]>()
  /** The same, of those that are being noted. */
  #noting: ReadonlyMap<Acknowledging, NotedHandler[]> = new Map()
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #patience = ACK_PATIENCE
  /** Resolves when all that has been taken has been noted. */
  #noted: Promise<void> = Promise.resolve()

  /** `report`: hears of faults that nobody else hears of. */
  constructor(note: Note, report: (error: unknown) => void) {
    this.#note = note
    this.#report = report
  }

  /**
   * Takes down that a connection has processed everything up to this seq. `onNoted` is called once, in the order of the calls; it must not throw.
   * One that was given for this subscription, and has not been called yet, is not kept twice.
   */
  add(one: Acknowledging, seq: number, onNoted: NotedHandler): void {
    const handlers = this.#waiting.get(one)
    if (handlers === undefined) this.#waiting.set(one, [onNoted])
    else if (!handlers.includes(onNoted)) handlers.push(onNoted)
    if (one.ackWindow.process(seq) || this.#patience === 0) this.#immediate ??= setImmediate(this.#flush)
    else this.#timer ??= setTimeout(this.#flush, this.#patience).unref()
  }

  /** Lets what a subscription has to be noted wait for nobody else. Resolves when it has been, and its handlers have been called. */
  async settle(one: Acknowledging): Promise<void> {
    if (this.#waiting.has(one)) this.#flush()
    else if (!this.#noting.has(one)) return
    await this.#noted
  }

  /** Lets nothing wait for others from now on: the process is about to end. Resolves when all that waits has been noted, or could not be. */
  async drain(): Promise<void> {
    this.#patience = 0
    this.#flush()
    await this.#noted
  }

  readonly #flush = (): void => {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
    // One after the other, so that a slow store is sent few large groups.
    if (this.#waiting.size > 0) this.#noted = this.#noted.then(() => this.#noteAll()).catch(this.#report)
  }

  async #noteAll(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = new Map()
    this.#noting = waiting
    const ranges = new Map<Channel, AckRange[]>()
    for (const { channel, ackWindow } of waiting.keys()) {
      const range = ackWindow.take()
      if (range === undefined) continue
      const others = ranges.get(channel)
      if (others === undefined) ranges.set(channel, [range])
      else others.push(range)
    }
    const errors = await this.#send(ranges)
    for (const [{ channel, ackWindow }, handlers] of waiting) {
      ackWindow.settle(!errors.has(channel))
      for (const onNoted of handlers) onNoted(errors.get(channel))
    }
    this.#noting = new Map()
  }

  /** Resolves to the errors, by channel. */
  async #send(ranges: ReadonlyMap<Channel, AckRange[]>): Promise<Map<Channel, unknown>> {
    const acks: Acknowledgement[] = []
    for (const [channel, several] of ranges)
      for (const { above, seq } of several.length === 1 ? several : union(several))
        acks.push({ channel, seq, above })
    const groups: Promise<PromiseSettledResult<void>[]>[] = []
    for (let start = 0; start < acks.length; start += MAX_AT_ONCE)
      groups.push(this.#note(acks.slice(start, start + MAX_AT_ONCE)))
    const errors = new Map<Channel, unknown>()
    for (const [index, result] of (await Promise.all(groups)).flat().entries())
      if (result.status === 'rejected') errors.set(acks[index]!.channel, result.reason)
    return errors
  }
}

/** The same stretches, joined where they overlap or touch, lowest first: a stretch that begins above what was acknowledged raises no mark. */
function union(ranges: AckRange[]): AckRange[] {
  const joined: AckRange[] = []
  for (const range of ranges.sort((a, b) => a.above - b.above)) {
    const last = joined.at(-1)
    if (last === undefined || range.above > last.seq) joined.push({ ...range })
    else last.seq = Math.max(last.seq, range.seq)
  }
  return joined
}
