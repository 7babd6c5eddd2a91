import type { StreamPosition } from '../../../src/core/model/position.ts'
import { type TabOptions, TestTab } from '../../support/tab.ts'
import { browserToken } from '../../support/tokens.ts'
import { Reading, type ToldGap } from '../prove/reading.ts'

export interface KeepingTabOptions extends Omit<TabOptions, 'token' | 'since'> {
  /** Signs the token. */
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

  /** Resolves when it has the position of each of its channels. */
  async begins(): Promise<this> {
    await this.sees('position', this.readings.size)
    return this
  }
}
