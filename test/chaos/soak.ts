import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { startApp, type TestApp } from '../support/app.ts'
import { startProxy } from '../support/programs/proxy.ts'
import { startRedis } from '../support/programs/redis.ts'
import { TestTab } from '../support/tab.ts'
import { until } from '../support/until.ts'
import { type Census, CensusTaker } from './parts/census.ts'

export interface SoakOptions {
  engine: 'embedded' | 'redis'
  connects: number
  messages: number
  /** Number of tabs at once. */
  wave?: number
}

/** Figures of a process before and after so many connections had come and gone. */
export interface SoakFigures {
  before: Census
  after: Census
  /** Growth of the heap, in bytes. */
  growth: number
  /** Number of messages that the tabs were shown. */
  shown: number
  seconds: number
}

/** Bytes by which a heap may have grown in the end: a runtime keeps some for itself. */
const MAX_GROWTH = 2 * 1_048_576

/** True if everything is where it was. */
export const returned = ({ before, after, growth }: SoakFigures): boolean =>
  isDeepStrictEqual(after, before) && growth < MAX_GROWTH

/** Number of waves after which everything that is made once has been made. */
const WARM_UP = 4
const ROOM = 'square'
/** Number of messages that are published at once. */
const AT_ONCE = 100
/** One of so many messages is said in the room, to everyone. */
const TO_ALL = 47
/** After how many waves what has gone is forgotten. */
const WAVES_TOGETHER = 100
/** Milliseconds for which timers of connections that have gone may still run: those that mind a poll, an interval and a time-out of the pings. */
const LAST_TIMERS = 10_000
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 30_000

/** Lets small waves of tabs come, hear messages, and leave in every way that there is, on a server in this process. */
export async function soak({
  engine,
  connects,
  messages,
  wave: tabs = 50,
}: SoakOptions): Promise<SoakFigures> {
  const redis = engine === 'redis' ? await startRedis({ aof: true }) : undefined
  const server = await startApp({
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    MAX_CONNECTS_PER_SECOND: '1000000',
    RETENTION_COUNT: '100',
    // Who is cut off between two polls can't say that it goes: the server notices it by the pings.
    PING_INTERVAL: '1000',
    PING_TIMEOUT: '8000',
  })
  const taker = new CensusTaker(server)
  const users = Array.from({ length: tabs }, (_, index) => `u${index}`)
  const waves = Math.ceil(connects / tabs)
  const perWave = Math.ceil(messages / waves)
  try {
    const take = (): Promise<Census> => taker.take(users)
    const idle = await take()
    for (let wave = 0; wave < WARM_UP; wave++) await runWave(server, users, perWave)
    // What the warm-up has left for good is no growth; what it has under way is none either.
    await steady(take, (census) =>
      isDeepStrictEqual(census, { ...idle, alive: census.alive, timers: census.timers }),
    )
    await delay(LAST_TIMERS)
    const before = await take()
    const heap = taker.heap()
    const began = performance.now()
    let shown = 0
    for (let wave = 0; wave < waves; wave++) {
      shown += await runWave(server, users, perWave)
      if (wave % WAVES_TOGETHER === 0) taker.forget()
    }
    const seconds = Math.round((performance.now() - began) / 1000)
    const after = await steady(take, (census) => isDeepStrictEqual(census, before))
    return { before, after, growth: taker.heap() - heap, shown, seconds }
  } finally {
    taker.end()
    await server.close()
    await redis?.stop()
  }
}

/** Takes a census until what was under way has ended; what never ends is the finding. */
async function steady(take: () => Promise<Census>, isSteady: (census: Census) => boolean): Promise<Census> {
  let census = await take()
  const look = async (): Promise<boolean> => {
    census = await take()
    return isSteady(census)
  }
  await until(look, PATIENCE, 250).catch(() => undefined)
  return census
}

/** Resolves with how many messages the tabs of one wave were shown; the server may have yet to notice that some of them have gone. */
async function runWave(server: TestApp, users: readonly string[], messages: number): Promise<number> {
  const way = await startProxy(Number(new URL(server.url).port))
  const tabs = users.map((user, index) => new WaveTab(server, user, index % 2 === 0 ? way.port : undefined))
  // Every tenth leaves before it is there.
  const staying = tabs.filter((_, index) => index % 10 !== 5)
  for (const tab of tabs) if (!staying.includes(tab)) tab.close()
  try {
    await Promise.all(staying.map((tab) => tab.sees('position', 2)))
    const expected = await publish(server, staying, users, messages)
    const shown = (): number => staying.reduce((sum, tab) => sum + tab.shown, 0)
    await until(async () => shown() >= expected, PATIENCE, 5).catch((cause) => {
      const gone = staying.filter(({ socket }) => !socket.connected).length
      throw new Error(`${shown()} of ${expected} were shown, and ${gone} tabs have gone`, { cause })
    })
    return shown()
  } finally {
    // Half of them are cut off, the others say that they go.
    way.cut()
    for (const tab of staying) tab.close()
    await way.close()
  }
}

/** Notifies the users in turn, and says some of it in the room; resolves with how many messages the tabs are to be shown. */
async function publish(
  { app: { publisher } }: TestApp,
  tabs: readonly WaveTab[],
  users: readonly string[],
  messages: number,
): Promise<number> {
  const options = { credential: 'soak' }
  let expected = 0
  for (let sent = 0; sent < messages; ) {
    const publishing: Promise<unknown>[] = []
    for (const end = Math.min(sent + AT_ONCE, messages); sent < end; sent++) {
      const data = `message ${sent}`
      const user = users[sent % users.length]!
      const toAll = sent % TO_ALL === 0
      expected += toAll ? tabs.length : tabs.filter((tab) => tab.user === user).length
      publishing.push(
        toAll ? publisher.message(ROOM, { data }, options) : publisher.notify(user, { data }, options),
      )
    }
    await Promise.all(publishing)
  }
  return expected
}

/** A tab of one wave; it does not come again. */
class WaveTab extends TestTab {
  readonly user: string
  shown = 0

  constructor(server: TestApp, user: string, port: number | undefined) {
    super(port === undefined ? server.url : `http://127.0.0.1:${port}`, {
      token: server.token(user, { rooms: [ROOM] }),
      transports: [Number(user.slice(1)) % 5 === 4 ? 'polling' : 'websocket'],
      since: { rooms: { [ROOM]: {} } },
      reconnection: false,
    })
    this.user = user
    for (const event of ['notification', 'message']) this.socket.on(event, () => this.shown++)
  }
}
