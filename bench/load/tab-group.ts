import { now } from './clock.ts'
import { eachTime } from './marker.ts'
import { openTab, type TabTarget } from './protocols.ts'
import type { FrameHandler, Tab } from './tab.ts'

/** What tabs do with what they hear, besides counting it. */
export interface Listening {
  /** Whether each notification is acknowledged as a page does it. */
  acknowledge?: boolean
  /** Whether the time from when each was due is kept. */
  sample?: boolean
}

/** How long deliveries took, in the order in which they came; microseconds. */
export interface Samples {
  /** When each was due, by `now`. */
  dues: Float64Array
  latencies: Float64Array
}

/** What has to be heard, counted from the last `listen`. */
export interface Expected {
  notifications: number
  /** Tabcast's `position` events. */
  positions?: number
}

/** What has not been heard by then was lost; in milliseconds. */
const DEADLINE = 60_000

const POSITION = Buffer.from('["position",')
const SEQ = Buffer.from('"seq":')

/** The tabs of one process that are measured together. */
export class TabGroup {
  readonly #tabs: Tab[] = []
  /** Tabcast's positions, by tab: what a page would give as `since`. */
  readonly #positions: string[] = []
  #dues: number[] = []
  #latencies: number[] = []
  #acknowledge = false
  #sample = false
  #text = ''
  #notifications = 0
  #positionsHeard = 0
  #expected: Expected | undefined
  #reached: (at: number) => void = () => {}

  /** Opens a tab for each target, so many at a time; resolves to when the first began and the last was let in. */
  async open(
    targets: readonly TabTarget[],
    concurrency: number,
  ): Promise<{ startedAt: number; endedAt: number }> {
    const startedAt = now()
    let next = 0
    const worker = async (): Promise<void> => {
      for (let index = next++; index < targets.length; index = next++)
        this.#tabs.push(await openTab(targets[index]!, this.#hear(index)))
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    return { startedAt, endedAt: now() }
  }

  /** The last position that each tab was told, as JSON that a page gives as `since`. */
  positions(): string[] {
    return this.#positions
  }

  /** The first notification that was heard, as it came in its frame. */
  text(): string {
    return this.#text
  }

  /** Closes all tabs; their positions are kept. */
  close(): void {
    for (const tab of this.#tabs.splice(0)) tab.close()
  }

  /** Begins to count anew. */
  listen({ acknowledge = false, sample = false }: Listening): void {
    this.#acknowledge = acknowledge
    this.#sample = sample
    this.#dues = []
    this.#latencies = []
    this.#notifications = 0
    this.#positionsHeard = 0
  }

  /** Resolves to when all of this had been heard; rejects if it is not within a minute. */
  async heard(expected: Expected): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const timer = setTimeout(() => {
      const heard = `${this.#notifications} notifications and ${this.#positionsHeard} positions`
      reject(new Error(`${this.#tabs.length} tabs heard ${heard}, expected were ${JSON.stringify(expected)}`))
    }, DEADLINE)
    this.#expected = expected
    this.#reached = resolve
    this.#check()
    return promise.finally(() => clearTimeout(timer))
  }

  /** The samples since `listen`. */
  samples(): Samples {
    return { dues: Float64Array.from(this.#dues), latencies: Float64Array.from(this.#latencies) }
  }

  #hear(index: number): FrameHandler {
    return (chunk, start, end, tab) => {
      const before = this.#notifications
      eachTime(chunk, start, end, (due) => {
        this.#notifications++
        if (!this.#sample) return
        this.#dues.push(due)
        this.#latencies.push(now() - due)
      })
      if (this.#notifications > before) {
        if (this.#text === '') this.#text = chunk.toString('utf8', start, end)
        if (this.#acknowledge) tab.send(`42["ack",${seqOf(chunk, start)}]`)
      } else if (chunk.indexOf(POSITION, start) === start + 2) {
        // `42["position",{…}]`
        const { seq, epoch } = JSON.parse(chunk.toString('utf8', start + 2 + POSITION.length, end - 1))
        this.#positions[index] = JSON.stringify({ seq, epoch })
        this.#positionsHeard++
      } else return
      this.#check()
    }
  }

  #check(): void {
    const { notifications, positions = 0 } = this.#expected ?? { notifications: Number.POSITIVE_INFINITY }
    if (this.#notifications < notifications || this.#positionsHeard < positions) return
    this.#expected = undefined
    this.#reached(now())
  }
}

/** The `seq` of a notification: the first field of that name behind its content, in which the bench has none. */
function seqOf(chunk: Buffer, start: number): number {
  let seq = 0
  for (let at = chunk.indexOf(SEQ, start) + SEQ.length; chunk[at]! >= 0x30 && chunk[at]! <= 0x39; at++)
    seq = seq * 10 + chunk[at]! - 0x30
  return seq
}
