import { type ProxiedConnection, startProxy, type TcpProxy, type Traffic } from '../support/programs/proxy.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast } from '../support/programs/tabcast.ts'
import { until } from '../support/until.ts'
import { completed, judge, type Verdict } from './parts/judge.ts'
import { KeepingTab } from './parts/keeping-tab.ts'
import { Lane } from './parts/lane.ts'

/** Figures of the time in which the way to Redis was a black hole, and after it. */
export interface BlackHoleFigures extends Verdict {
  /** Number of attempts to post that were answered with each status; 0 stands for a connection that failed, -1 for one that hung. */
  statuses: Record<number, number>
  /** The longest that an attempt took, in milliseconds. */
  slowest: number
  /** Number of posts that had been stored by an attempt that was not answered 201. */
  replayed: number
  /** Milliseconds from the closing of the hole until every backend was answered 201. */
  recovered: number
}

/** Figures of the time in which only the subscription was silent. */
export interface SilenceFigures extends Verdict {
  statuses: Record<number, number>
  /** Number of connections that fell silent, and milliseconds until they had been replaced and every tab had what it missed. */
  silenced: number
  replaced: number
  repaired: number
}

const JWT_SECRET = 'b'.repeat(40)
const USERS = 10
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 20_000
/** The command as a connection sends it, and not in the text of a script. */
const SUBSCRIBE = '\r\nsubscribe\r\n'

/** A Tabcast whose way to Redis can be disturbed, and a tab and a backend for each of its users. */
interface World {
  readonly way: TcpProxy
  readonly tabs: KeepingTab[]
  readonly lanes: Lane[]
}

/**
 * Every answer of Redis is lost (`deaf`), or every byte is held (`frozen`), until each backend was refused so many times; then the way
 * is open again.
 */
export function blackHole(traffic: Traffic, refusals: number): Promise<BlackHoleFigures> {
  return inWorld(async ({ way, tabs, lanes }) => {
    for (const lane of lanes) lane.run(20)
    await Promise.all(lanes.map((lane) => lane.reaches(3)))
    way.set(traffic)
    const refused = ({ attempts, taken }: Lane): boolean => attempts - taken.length >= refusals
    await until(async () => lanes.every(refused), PATIENCE * refusals).catch(() => undefined)
    way.set('open')
    // A stream that has lost some of its bytes never goes on.
    if (traffic === 'deaf') way.cut()
    const opened = performance.now()
    await Promise.all(lanes.map((lane) => lane.reaches(lane.taken.length + 1)))
    const recovered = Math.round(performance.now() - opened)
    await Promise.all(lanes.map((lane) => lane.end()))
    await completed(tabs, lanes, PATIENCE)
    return {
      ...judge(tabs, lanes),
      statuses: statusesOf(lanes),
      slowest: Math.round(Math.max(...lanes.map(({ slowest }) => slowest))),
      replayed: lanes.reduce((sum, { replayed }) => sum + replayed, 0),
      recovered,
    }
  })
}

/** Loses all that Redis says to subscriptions, while commands are answered and every backend publishes once. */
export function silentSubscription(): Promise<SilenceFigures> {
  return inWorld(async ({ way, tabs, lanes }) => {
    const silent = [...way.connections].filter((connection) => connection.hasSent(SUBSCRIBE))
    for (const connection of silent) connection.set('deaf')
    const began = performance.now()
    const since = (): number => Math.round(performance.now() - began)
    await Promise.all(lanes.map((lane) => lane.post()))
    await until(async () => silent.every((connection) => isGone(way, connection)), PATIENCE).catch(
      () => undefined,
    )
    const replaced = since()
    await completed(tabs, lanes, PATIENCE)
    const repaired = since()
    // And they go on.
    await Promise.all(lanes.map((lane) => lane.post(3)))
    await completed(tabs, lanes, PATIENCE)
    return {
      ...judge(tabs, lanes),
      statuses: statusesOf(lanes),
      silenced: silent.length,
      replaced,
      repaired,
    }
  })
}

async function inWorld<Figures>(act: (world: World) => Promise<Figures>): Promise<Figures> {
  const redis = await startRedis({ aof: true })
  const way = await startProxy(redis.port)
  const server = await startTabcast({ REDIS_URL: `redis://127.0.0.1:${way.port}`, JWT_SECRET })
  const users = Array.from({ length: USERS }, (_, index) => `u${index}`)
  const lanes = users.map((user) => new Lane(server, `user:${user}`))
  const tabs = users.map((user) => new KeepingTab(server.url, { secret: JWT_SECRET, user }))
  try {
    await Promise.all(tabs.map((tab) => tab.begins()))
    return await act({ way, tabs, lanes })
  } finally {
    for (const tab of tabs) tab.close()
    await Promise.all(lanes.map((lane) => lane.abandon()))
    await server.kill()
    await way.close()
    await redis.stop()
  }
}

const isGone = (way: TcpProxy, connection: ProxiedConnection): boolean => !way.connections.has(connection)

function statusesOf(lanes: readonly Lane[]): Record<number, number> {
  const sum: Record<number, number> = {}
  for (const { statuses } of lanes)
    for (const [status, count] of Object.entries(statuses))
      sum[Number(status)] = (sum[Number(status)] ?? 0) + count
  return sum
}
