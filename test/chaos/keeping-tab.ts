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

/** Everything that the events of these tests may have. */
type Payload = ToldGap & StreamPosition & { channel: string; room: string; data: string }

/** A stock client on the log of a user and on some rooms: it keeps its cursors, and what its callbacks get is judged event by event. */
export class KeepingTab extends TestTab {
  /** By channel. */
  readonly readings: ReadonlyMap<string, Reading>
  disconnects = 0

  constructor(url: string, { secret, user, rooms = [], ...options }: KeepingTabOptions) {
    const token = browserToken(secret, { user, rooms: [...rooms] })
    super(url, { token, since: { rooms: Object.fromEntries(rooms.map((room) => [room, {}])) }, ...options })
    const own = new Reading()
    const ofRooms = new Map(rooms.map((room) => [room, new Reading()]))
    this.readings = new Map([
      [`user:${user}`, own],
      ...[...ofRooms].map(([room, reading]): [string, Reading] => [`room:${room}`, reading]),
    ])
    const judge = (event: string, hear: (payload: Payload) => void): void => {
      this.socket.on(event, (payload: Payload) => {
        hear(payload)
        const cursors = [...ofRooms].map(([room, { cursor }]) => [room, cursor ?? {}])
        this.since = { ...own.cursor, rooms: Object.fromEntries(cursors) }
      })
    }
    judge('notification', ({ seq, epoch, data }) => own.hear({ seq, epoch }, data))
    judge('message', ({ room, seq, epoch, data }) => ofRooms.get(room)!.hear({ seq, epoch }, data))
    judge('gap', (gap) => this.readings.get(gap.channel)!.miss(gap))
    judge('position', ({ channel, seq, epoch }) => this.readings.get(channel)!.reach({ seq, epoch }))
    this.socket.on('disconnect', () => {
      this.disconnects++
    })
  }

  /** Resolves when it has been told where each of its channels stands. */
  async begins(): Promise<this> {
    await this.sees('position', this.readings.size)
    return this
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
