import type { Tabcast } from '../support/programs/tabcast.ts'
import type { TestTab } from '../support/tab.ts'
import { until } from '../support/until.ts'
import { KeepingTab } from './parts/keeping-tab.ts'
import { Lane } from './parts/lane.ts'

export interface TrimmedOptions {
  /** Entries that the channel keeps: what the server was started with. */
  retained: number
  /** Number of publications that come before the tab leaves, and while it is away. */
  before: number
  away: number
  transport: 'websocket' | 'polling'
  channel: 'user' | 'room'
}

/** The events that a tab received when it came back, in order. */
export interface Told {
  event: string
  seq?: number
  from?: number
  to?: number
  reason?: string
}

const PATIENCE = 15_000
/** Characters of text in each publication: what is retained takes several pages. */
const SIZE = 2000

let users = 0

/** A tab leaves, its channel is trimmed beyond its cursor, and it comes back; then one more is published. Answers everything that it received. */
export async function trimmedChannel(server: Tabcast, options: TrimmedOptions): Promise<Told[]> {
  const id = `trimmed-${++users}`
  const lane = new Lane(server, `${options.channel}:${id}`, SIZE)
  const tab = new KeepingTab(server.url, {
    secret: server.jwtSecret,
    user: id,
    rooms: options.channel === 'room' ? [id] : [],
    transports: [options.transport],
  })
  const event = options.channel === 'room' ? 'message' : 'notification'
  try {
    await tab.begins()
    await lane.post(options.before)
    await tab.sees(event, options.before)
    tab.close()
    tab.seen.length = 0
    await lane.post(options.away)
    tab.socket.connect()
    await until(async () => isUpToDate(tab, lane), PATIENCE).catch(() => undefined)
    await lane.post()
    await until(async () => tab.all(event).at(-1)?.seq === lane.taken.length, PATIENCE).catch(() => undefined)
    return told(tab, lane.channel)
  } finally {
    tab.close()
    await lane.abandon()
  }
}

const isUpToDate = (tab: TestTab, { channel, taken }: Lane): boolean =>
  tab.all('position').some((position) => position.channel === channel && position.seq === taken.length)

/** Of its channel only: a tab in a room hears its user's log as well. */
function told(tab: TestTab, channel: string): Told[] {
  return tab.seen
    .filter(({ payload }) => payload.channel === undefined || payload.channel === channel)
    .map(({ event, payload: { seq, from, to, reason } }) =>
      event === 'gap' ? { event, from, to, reason } : { event, seq },
    )
}
