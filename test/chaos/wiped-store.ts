import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RedisServer } from '../support/programs/redis.ts'
import { until } from '../support/until.ts'
import { completed, judge, type Verdict } from './parts/judge.ts'
import { KeepingTab } from './parts/keeping-tab.ts'
import { Lane } from './parts/lane.ts'
import { startTwoWorkers } from './parts/two-workers.ts'
import type { ToldGap } from './prove/reading.ts'

/** Ways in which a Redis forgets everything. Each resolves when it can be written to again. */
export const wipes: Readonly<Record<string, (redis: RedisServer) => Promise<void>>> = {
  async FLUSHALL(redis) {
    await redis.cli('flushall')
  },
  async 'a restart without its append-only file'(redis) {
    await redis.kill()
    await rm(join(redis.dir, 'appendonlydir'), { recursive: true })
    await redis.restart()
  },
}

/** Figures of a wipe. */
export interface WipeFigures extends Verdict {
  /** Number of channels that the tabs hear, counted once per tab. */
  heard: number
  /** Number of these that got a gap exactly once, with the reason `wiped` and from the first entry on. */
  told: number
  /** Milliseconds from the wipe until the last of them came. */
  toldWithin: number
  posts: number
  disconnects: number
}

const JWT_SECRET = 'w'.repeat(40)
const ROOMS = ['chart', 'chat', 'desk']
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 15_000

/**
 * Two workers with tabs of so many users on each. A third of the users is published to all the time, a third was once, and a third never;
 * so it is with the rooms, which all of them hear. Then the store forgets everything.
 */
export async function wipedStore(
  users: number,
  wipe: (redis: RedisServer) => Promise<void>,
): Promise<WipeFigures> {
  const world = await startTwoWorkers({ JWT_SECRET })
  const { api, redis, workers } = world
  const channels = [
    ...Array.from({ length: users }, (_, index) => `user:u${index}`),
    ...ROOMS.map((room) => `room:${room}`),
  ]
  const lanes = channels.map((channel) => new Lane(api, channel))
  const busy = lanes.filter((_, index) => index % 3 === 0)
  const quiet = lanes.filter((_, index) => index % 3 === 1)
  const tabs: KeepingTab[] = []
  try {
    for (let index = 0; index < users; index++)
      for (const [at, { url }] of workers.entries())
        tabs.push(tabOf(url, `u${index}`, (index + at) % 2 === 0 ? 'websocket' : 'polling'))
    await Promise.all(tabs.map((tab) => tab.begins()))
    await Promise.all([...quiet, ...busy].map((lane) => lane.post()))
    await completed(tabs, lanes, PATIENCE)
    for (const lane of busy) lane.run(20)
    await Promise.all(busy.map((lane) => lane.reaches(5)))

    await wipe(redis)
    const wipedAt = performance.now()
    const heard = tabs.flatMap(({ readings }) => [...readings.values()])
    await until(async () => heard.every(({ gaps }) => gaps.length > 0), PATIENCE).catch(() => undefined)
    const toldWithin = Math.round(performance.now() - wipedAt)
    await Promise.all(busy.map((lane) => lane.end()))
    // And they go on.
    await Promise.all(lanes.map((lane) => lane.post(3)))
    await completed(tabs, lanes, PATIENCE)
    return {
      ...judge(tabs, lanes),
      heard: heard.length,
      told: heard.filter(({ gaps }) => gaps.length === 1 && isWipe(gaps[0]!)).length,
      toldWithin,
      posts: lanes.reduce((sum, { taken }) => sum + taken.length, 0),
      disconnects: tabs.reduce((sum, { disconnects }) => sum + disconnects, 0),
    }
  } finally {
    for (const tab of tabs) tab.close()
    await Promise.all(lanes.map((lane) => lane.abandon()))
    await world.stop()
  }
}

const tabOf = (url: string, user: string, transport: 'websocket' | 'polling'): KeepingTab =>
  new KeepingTab(url, { secret: JWT_SECRET, user, rooms: ROOMS, transports: [transport] })

const isWipe = ({ reason, from }: ToldGap): boolean => reason === 'wiped' && from === 1
