import { setTimeout as delay } from 'node:timers/promises'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast } from '../support/programs/tabcast.ts'
import { completed, judge, type Verdict } from './parts/judge.ts'
import { KeepingTab } from './parts/keeping-tab.ts'
import { Lane } from './parts/lane.ts'
import { Random } from './prove/random.ts'

export interface CutOptions {
  engine: 'embedded' | 'redis'
  /** Number of times that a tab's connections are cut, over all tabs. */
  cuts: number
}

/** Figures of tabs whose network was cut again and again. */
export interface CutFigures extends Verdict {
  posts: number
  /** Number of connections that ended before they were up to date. */
  interrupted: number
  disconnects: number
  /** The tabs whose callbacks got anything but every publication, once, in the order in which it was posted. */
  wrong: string[]
  seconds: number
}

const JWT_SECRET = 'c'.repeat(40)
const SEED = 20_261_121
const ROOM = 'busy'
/** Each has a tab by websocket and one by polling, which hear the room as well. */
const USERS = 6
/** Milliseconds between two publications to a user; those to the room follow one another without a pause. */
const USER_PAUSE = 100
/** Characters of text: so many that a page of a replay has sixteen of them. */
const SIZE = 4000
/** The longest pause between two cuts, in milliseconds. */
const LONGEST_PAUSE = 40
/** Number of publications of the room that a tab is kept away for. */
const MISSED = { least: 5, most: 20 }
/** Of how many bytes of answers a connection ends in the replay after that: more than a handshake has, less than a publication. */
const INTERRUPTED = { least: 500, most: SIZE }
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 30_000

/** One process under steady traffic, and tabs whose connections are reset at random moments, every fifth time in the replay as well. */
export async function networkCuts({ engine, cuts }: CutOptions): Promise<CutFigures> {
  const redis = engine === 'redis' ? await startRedis({ aof: true }) : undefined
  const server = await startTabcast({
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
    JWT_SECRET,
    RETENTION_COUNT: '1000000',
    ROOM_RETENTION_COUNT: '1000000',
    MAX_CONNECTS_PER_SECOND: '10000',
  })
  const users = Array.from({ length: USERS }, (_, index) => `u${index}`)
  const room = new Lane(server, `room:${ROOM}`, SIZE)
  const lanes = [room, ...users.map((user) => new Lane(server, `user:${user}`, SIZE))]
  const tabs: CutTab[] = []
  try {
    for (const user of users)
      for (const transport of ['websocket', 'polling'] as const)
        tabs.push(new CutTab(await startProxy(server.port), user, transport))
    await Promise.all(tabs.map((tab) => tab.begins()))
    for (const lane of lanes) lane.run(lane === room ? 0 : USER_PAUSE)
    const began = performance.now()
    await cutAll(tabs, room, cuts)
    await Promise.all(lanes.map((lane) => lane.end()))
    const seconds = Math.round((performance.now() - began) / 1000)
    await completed(tabs, lanes, PATIENCE)
    return { ...figuresOf(tabs, lanes), seconds }
  } finally {
    await Promise.all(tabs.map((tab) => tab.end()))
    await Promise.all(lanes.map((lane) => lane.abandon()))
    await server.kill()
    await redis?.stop()
  }
}

async function cutAll(tabs: readonly CutTab[], room: Lane, cuts: number): Promise<void> {
  const random = new Random(SEED)
  for (let done = 0; done < cuts; ) {
    await delay(random.between(0, LONGEST_PAUSE))
    const tab = random.pick(tabs)
    // A tab that is just coming back may have no connection.
    if (tab.cut()) done++
    if (!random.happens(1 / 5)) continue
    const missed = room.reaches(room.taken.length + random.between(MISSED.least, MISSED.most))
    await tab.interruptReplay(missed, random.between(INTERRUPTED.least, INTERRUPTED.most))
    done++
  }
}

function figuresOf(tabs: readonly CutTab[], lanes: readonly Lane[]): Omit<CutFigures, 'seconds'> {
  const posted = new Map(lanes.map(({ channel, taken }) => [channel, taken.map(({ name }) => name)]))
  const isRight = (tab: CutTab): boolean =>
    [...tab.heard].every(([channel, heard]) => heard.join() === posted.get(channel)!.join())
  return {
    ...judge(tabs, lanes),
    posts: lanes.reduce((sum, { taken }) => sum + taken.length, 0),
    interrupted: tabs.reduce((sum, tab) => sum + tab.interrupted, 0),
    disconnects: tabs.reduce((sum, { disconnects }) => sum + disconnects, 0),
    wrong: tabs.filter((tab) => !isRight(tab)).map(({ name }) => name),
  }
}

/** A tab with a network of its own. */
class CutTab extends KeepingTab {
  readonly name: string
  /** Everything that the callbacks got, by channel, as it came. */
  readonly heard: ReadonlyMap<string, string[]>
  /** Number of connections that ended before every channel was up to date. */
  interrupted = 0
  readonly #way: TcpProxy
  /** Of how many channels the present connection knows that they are up to date. */
  #upToDate = 0

  constructor(way: TcpProxy, user: string, transport: 'websocket' | 'polling') {
    super(`http://127.0.0.1:${way.port}`, {
      secret: JWT_SECRET,
      user,
      rooms: [ROOM],
      transports: [transport],
      reconnectionDelay: 10,
      reconnectionDelayMax: 10,
    })
    this.#way = way
    this.name = `${user} by ${transport}`
    const own: string[] = []
    const ofRoom: string[] = []
    this.heard = new Map([
      [`user:${user}`, own],
      [`room:${ROOM}`, ofRoom],
    ])
    this.socket.on('notification', ({ data }: { data: string }) => own.push(data))
    this.socket.on('message', ({ data }: { data: string }) => ofRoom.push(data))
    this.socket.on('position', () => this.#upToDate++)
    this.socket.on('disconnect', () => {
      if (this.#upToDate < this.readings.size) this.interrupted++
      this.#upToDate = 0
    })
  }

  /** Resets its connections; answers whether it had any. */
  cut(): boolean {
    return this.#way.cut() > 0
  }

  /** Keeps it away until it has missed something; when it has come back, its connection is cut after so many bytes of answers. */
  async interruptReplay(missed: Promise<void>, bytes: number): Promise<void> {
    this.#way.refuse(true)
    this.cut()
    await missed
    const interrupted = new Promise<void>((resolve) => this.socket.once('disconnect', () => resolve()))
    this.#way.limit(bytes)
    this.#way.refuse(false)
    await interrupted
    this.#way.limit(undefined)
  }

  async end(): Promise<void> {
    this.close()
    await this.#way.close()
  }
}
