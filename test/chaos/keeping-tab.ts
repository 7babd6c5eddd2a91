import type { StreamPosition } from '../../src/core/position.ts'
import { type TabOptions, TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import type { Lane } from './lane.ts'
import { birthOf, Reading, type ToldGap } from './prove/reading.ts'

export interface KeepingTabOptions extends Omit<TabOptions, 'token' | 'since'> {
  /** What the token is signed with. */
  secret: string
  user: string
  rooms?: readonly string[]
}

/** A stock client on the log of a user and on some rooms: it keeps its cursors, and what its callbacks get is judged event by event. */
export class KeepingTab extends TestTab {
  /** By channel. */
  readonly readings: ReadonlyMap<string, Reading>
  disconnects = 0

  constructor(url: string, { secret, user, rooms = [], ...options }: KeepingTabOptions) {
    const token = browserToken(secret, { user, rooms: [...rooms] })
    super(url, { token, since: { rooms: Object.fromEntries(rooms.map((room) => [room, {}])) }, ...options })
    const own = new Reading()
    this.readings = new Map([
      [`user:${user}`, own],
      ...rooms.map((room): [string, Reading] => [`room:${room}`, new Reading()]),
    ])
    this.socket.on('notification', (event: StreamPosition & { data: string }) => own.hear(event, event.data))
    this.socket.on('message', (event: StreamPosition & { room: string; data: string }) =>
      this.#of(`room:${event.room}`).hear(event, event.data),
    )
    this.socket.on('gap', (gap: ToldGap & { channel: string }) => this.#of(gap.channel).miss(gap))
    this.socket.on('position', ({ channel, seq, epoch }: StreamPosition & { channel: string }) =>
      this.#of(channel).reach({ seq, epoch }),
    )
    this.socket.onAny(() => {
      const cursors = rooms.map((room) => [room, this.#of(`room:${room}`).cursor ?? {}])
      this.since = { ...own.cursor, rooms: Object.fromEntries(cursors) }
    })
    this.socket.on('disconnect', () => {
      this.disconnects++
    })
  }

  /** Resolves when it has been told where each of its channels stands. */
  async begins(): Promise<this> {
    await this.sees('position', this.readings.size)
    return this
  }

  #of(channel: string): Reading {
    const reading = this.readings.get(channel)
    if (reading === undefined) throw new Error(`it never asked for ${channel}`)
    return reading
  }
}

/** What all tabs have seen, against what was taken for their channels. */
export interface Verdict {
  /** Taken, and neither seen nor told as lost by a wipe. */
  lost: number
  /** Seen more than once in one life of the log. */
  duplicated: number
  /** Seen after a later one. */
  disordered: number
  /** Something between two events was not there, and no `gap` said so. */
  falseContinuity: number
  gaps: number
}

/** Judges what so many tabs have seen of what these lanes have published. */
export function judge(tabs: readonly KeepingTab[], lanes: readonly Lane[]): Verdict {
  const verdict: Verdict = { lost: 0, duplicated: 0, disordered: 0, falseContinuity: 0, gaps: 0 }
  const byChannel = new Map(lanes.map((lane) => [lane.channel, lane]))
  for (const { readings } of tabs)
    for (const [channel, reading] of readings) {
      verdict.lost += lostBy(reading, byChannel.get(channel))
      verdict.duplicated += reading.duplicated
      verdict.disordered += reading.disordered
      verdict.falseContinuity += reading.falseContinuity
      verdict.gaps += reading.gaps.length
    }
  return verdict
}

function lostBy({ seen, gaps }: Reading, lane: Lane | undefined): number {
  const last = gaps.at(-1)
  const isTold = (epoch: string): boolean => last !== undefined && birthOf(last.epoch) !== birthOf(epoch)
  return (lane?.taken ?? []).filter(({ name, epoch }) => !seen.has(name) && !isTold(epoch)).length
}
