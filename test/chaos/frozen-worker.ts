import type { RedisServer } from '../support/programs/redis.ts'
import { completed, judge, type Verdict } from './parts/judge.ts'
import { KeepingTab } from './parts/keeping-tab.ts'
import { Lane } from './parts/lane.ts'
import { startTwoWorkers } from './parts/two-workers.ts'

export interface FrozenOptions {
  /** Number of publications that come while the worker is frozen, over all channels. */
  publications: number
  /** Characters of text in each. */
  size: number
  /** Bytes of a subscription that may wait in Redis before it cuts the connection. */
  outputBuffer: number
  /** Milliseconds for which tabs keep a connection that is silent, beyond the interval between two pings. */
  pingTimeout: number
  /** Milliseconds that the tabs may take to catch up. */
  patience: number
}

/** Figures of the time in which a worker was frozen, and after it. */
export interface FrozenFigures {
  /** Of the tabs on the frozen worker, and of those on the other. */
  frozen: Verdict
  others: Verdict
  /** Number of tabs of the frozen worker that connected again. */
  reconnected: number
  /** Number of times that a tab of the other worker lost its connection, and of publications that it lacked before the worker was thawed. */
  disturbed: number
  delayed: number
  /** Number of publications that the tabs of the frozen worker still lacked after they had had time to catch up. */
  late: number
  /** Number of subscribing connections of Redis before and at the end of the freeze. */
  subscriptions: [number, number]
  /** Milliseconds that the publications took, and from SIGCONT until every tab had everything. */
  publishing: number
  catchingUp: number
}

const JWT_SECRET = 'f'.repeat(40)
const CHANNELS = 100
/** Every so many channels have a tab on the other worker as well. */
const SHARED = 5
/** Milliseconds that anything else may take before it counts as never. */
const PATIENCE = 30_000

/** Freezes one of two workers while its channels are published to, thaws it when Redis has cut its subscription, and waits for its tabs. */
export async function frozenWorker(options: FrozenOptions): Promise<FrozenFigures> {
  const world = await startTwoWorkers(
    { JWT_SECRET, RETENTION_COUNT: `${options.publications}`, PING_TIMEOUT: `${options.pingTimeout}` },
    {
      settings: {
        // Nothing is killed here, and an fsync for each publication would take most of the time.
        appendfsync: 'everysec',
        'client-output-buffer-limit': `pubsub ${options.outputBuffer} ${options.outputBuffer} 60`,
      },
    },
  )
  const { redis, api } = world
  const [worker, other] = world.workers
  const lanes = Array.from({ length: CHANNELS }, (_, index) => new Lane(api, `user:u${index}`, options.size))
  const tabOf = (url: string, index: number): KeepingTab =>
    new KeepingTab(url, {
      secret: JWT_SECRET,
      user: `u${index}`,
      transports: [index % 4 === 3 ? 'polling' : 'websocket'],
    })
  const tabs: KeepingTab[] = []
  const others: KeepingTab[] = []
  const freeze = (frozen: boolean): void => void process.kill(worker.pid, frozen ? 'SIGSTOP' : 'SIGCONT')
  try {
    for (let index = 0; index < CHANNELS; index++) {
      tabs.push(tabOf(worker.url, index))
      if (index % SHARED === 0) others.push(tabOf(other.url, index))
    }
    await Promise.all([...tabs, ...others].map((tab) => tab.begins()))
    await post(lanes, 1)
    await completed(tabs, lanes, PATIENCE)

    const before = await subscriptions(redis)
    freeze(true)
    const began = performance.now()
    await post(lanes, options.publications / CHANNELS)
    const publishing = performance.now() - began
    await completed(others, lanes, PATIENCE)
    const delayed = judge(others, lanes).lost
    const after = await subscriptions(redis)
    freeze(false)
    const thawed = performance.now()
    await completed(tabs, lanes, options.patience)
    const catchingUp = performance.now() - thawed
    const late = judge(tabs, lanes).lost
    // And they go on.
    await post(lanes, 1)
    await completed([...tabs, ...others], lanes, PATIENCE)
    return {
      frozen: judge(tabs, lanes),
      others: judge(others, lanes),
      reconnected: tabs.filter(({ disconnects }) => disconnects > 0).length,
      disturbed: others.reduce((sum, { disconnects }) => sum + disconnects, 0),
      delayed,
      late,
      subscriptions: [before, after],
      publishing: Math.round(publishing),
      catchingUp: Math.round(catchingUp),
    }
  } finally {
    freeze(false)
    for (const tab of [...tabs, ...others]) tab.close()
    await Promise.all(lanes.map((lane) => lane.abandon()))
    await world.stop()
  }
}

async function post(lanes: readonly Lane[], count: number): Promise<void> {
  await Promise.all(lanes.map((lane) => lane.post(count)))
}

async function subscriptions(redis: RedisServer): Promise<number> {
  return (await redis.cli('client', 'list', 'type', 'pubsub')).trim().split('\n').length
}
