import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../support/until.ts'
import { type Absence, attacksOn } from './attacks.ts'
import { Backend } from './backend.ts'
import { JudgedTab } from './judged-tab.ts'
import { Nemesis } from './nemesis.ts'
import { Random } from './random.ts'
import { type EngineName, ROOM_RETENTION, type Stage, startStage } from './stage.ts'
import { Target } from './target.ts'
import { judge, type Verdict } from './verdict.ts'

export interface ProveOptions {
  engine: EngineName
  seed: number
  /** Duration of the attacks, in seconds. */
  seconds: number
  /** Seconds between two attacks, on the average. */
  pace: number
  /** Three tabs each. */
  users: number
  rooms: number
  /** Publications a second in all. */
  rate: number
}

export interface Proof extends ProveOptions, Verdict {
  /** Number of times that each attack was done and hurt. */
  attacks: Record<string, number>
  /** Seconds from the last repair until nothing was missing any more; undefined if something still is. */
  healedAfter: number | undefined
  /** Attacks that never hurt: then nothing was proved. */
  idle: string[]
  /** The first few faults. */
  faults: string[]
}

const TABS_PER_USER = 3
/**
 * How long everything has to be whole again, in milliseconds: longer than `PING_INTERVAL` and `PING_TIMEOUT` together, for
 * a stock client whose upgrade was cut at the wrong moment is silent until then (`sockets/cut-upgrade.test.ts`).
 */
const HEALED = 60_000
const TRANSPORTS: ('websocket' | 'polling')[][] = [['websocket'], ['polling'], ['polling', 'websocket']]

/** True if nothing that is promised was broken, and the attacks really happened. */
export const holds = ({ broken, idle }: Proof): boolean =>
  idle.length === 0 && Object.values(broken).every((count) => count === 0)

/** Publishes to tabs on real processes while they are broken, heals everything, and judges what was seen. `onProgress` hears what is being done. */
export async function prove(
  options: ProveOptions,
  onProgress: (what: string) => void = () => undefined,
): Promise<Proof> {
  const random = new Random(options.seed)
  const stage = await startStage(options.engine)
  const tabs: JudgedTab[] = []
  try {
    const rooms = names('room', options.rooms)
    const users = names('user', options.users)
    for (const [at, user] of users.entries())
      for (let index = 0; index < TABS_PER_USER; index++) tabs.push(openTab(stage, user, rooms, at, index))
    await until(async () => tabs.every(({ hasBegun }) => hasBegun), HEALED)

    const urls = stage.apis.map(({ url }) => url)
    const backends = [...users.map((user) => `user:${user}`), ...rooms.map((room) => `room:${room}`)].map(
      (channel) => new Backend(channel, urls, random),
    )
    const publishing = Promise.all(backends.map((backend) => backend.run(options.rate / backends.length)))
    const nemesis = new Nemesis(attacksOn(stage, random, absenceOf(tabs, backends)), random, onProgress)
    await nemesis.run(options.seconds * 1000, options.pace * 1000)

    onProgress('everything has been mended')
    for (const backend of backends) backend.end()
    await publishing
    const verdict = (): Verdict => judge(backends, tabs, totalsOf(stage, nemesis))
    const mended = performance.now()
    // What never comes is the finding, not an error.
    const healedAfter = await until(async () => verdict().broken.lost === 0, HEALED, 500).then(
      () => (performance.now() - mended) / 1000,
      () => undefined,
    )
    // And what comes twice has a moment to do so.
    await delay(1500)
    return {
      ...options,
      ...verdict(),
      healedAfter,
      attacks: Object.fromEntries(nemesis.done),
      idle: nemesis.idle.map(({ name }) => name),
      faults: [...crashesOf(stage), ...tabs.flatMap(faultsOf)].slice(0, 20),
    }
  } finally {
    for (const tab of tabs) tab.leave()
    await stage.close()
  }
}

const names = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${what}-${index + 1}`)

/** The tabs of one user begin on different workers, with different transports, and are in one or two rooms. */
function openTab(
  { workers }: Stage,
  user: string,
  rooms: readonly string[],
  at: number,
  index: number,
): JudgedTab {
  const urls = workers.map((_, turn) => workers[(turn + index) % workers.length]!.url)
  return new JudgedTab({
    user,
    rooms: [...new Set([rooms[at % rooms.length]!, rooms[(at + index) % rooms.length]!])],
    transports: TRANSPORTS[(at + index) % TRANSPORTS.length]!,
    urls,
  })
}

function totalsOf({ apis, workers }: Stage, { done }: Nemesis): { crashes: number; wipes: number } {
  return {
    crashes: crashesOf({ apis, workers }).length,
    wipes: done.get('Redis wiped') ?? 0,
  }
}

const faultsOf = ({ readings }: JudgedTab): string[] =>
  [...readings].flatMap(([channel, { faults }]) => faults.map((fault) => `${channel}: ${fault}`))

/** With the embedded engine, one process is both. */
const crashesOf = ({ apis, workers }: Pick<Stage, 'apis' | 'workers'>): string[] =>
  [...new Set([...apis, ...workers])].flatMap(({ crashes }) => crashes)

/** A tab leaves, more comes to one of its rooms than is kept, and it comes back. */
function absenceOf(tabs: readonly JudgedTab[], backends: readonly Backend[]): Absence {
  class Absent extends Target {
    readonly tab: JudgedTab
    constructor(tab: JudgedTab) {
      super()
      this.tab = tab
    }
  }
  return {
    targets: tabs.map((tab) => new Absent(tab)),
    async run(target) {
      const { tab } = target as Absent
      const backend = backends.find(
        ({ channel }) => channel.startsWith('room:') && tab.readings.has(channel),
      )!
      const before = tab.readings.get(backend.channel)!.gaps.length
      tab.leave()
      await backend.burst(ROOM_RETENTION * 1.2)
      tab.comeBack()
      await until(async () => tab.readings.get(backend.channel)!.gaps.length > before, HEALED).catch(
        () => undefined,
      )
      return tab.readings.get(backend.channel)!.gaps.length > before
    },
  }
}
