import { tabsFor } from './arena.ts'
import type { Contestant } from './contestants/contestant.ts'
import { type Figure, figure, ratio } from './figures/figure.ts'
import { cpuOf } from './figures/processes.ts'
import type { LoadClient } from './load/client.ts'

/** The load processes of a run: one posts, one has the tabs. */
export interface Load {
  poster: LoadClient
  listener: LoadClient
}

/** One process for both: on loopback, a send to a process that sleeps costs the sender its waking up, and one sleeps less than two. */
export function loadOf(client: LoadClient): Load {
  return { poster: client, listener: client }
}

/** A contestant, its users, and how many tabs each of them has. */
export interface Subject {
  /** As it is called in figures. */
  name: string
  contestant: Contestant
  users: readonly string[]
  tabs: number
}

/** A closed-loop run: posts, until the last tab has heard the last of them. */
export interface DeliveryRun {
  seconds: number
  /** Microseconds of CPU per notification, by role. */
  cpu: Record<string, number>
  /** The sum of these. */
  total: number
  /** The share of a core that the busiest load process used. */
  load: number
}

/** Requests under way at once. */
const CONNECTIONS = 64
/** Tabs that connect at the same time. */
const CONCURRENCY = 50

/** Posts of a round; the one that only warms up has twice as many. */
export function postsOf(round: number, posts: number): number {
  return round === 0 ? 2 * posts : posts
}

/** Opens the tabs of a subject. */
export async function openTabs(
  { listener }: Load,
  { name, contestant, users, tabs }: Subject,
): Promise<void> {
  if (tabs === 0) return
  const targets = tabsFor(contestant, users, tabs)
  await listener.call('open', { group: name, targets, concurrency: CONCURRENCY })
}

/** Posts to the users of a subject in turn, so many under way at once; `afterwards` is awaited before the CPU is read. */
export async function deliver(
  { poster, listener }: Load,
  { name, contestant, users, tabs }: Subject,
  posts: number,
  options: { acknowledge?: boolean; afterwards?: () => Promise<void> } = {},
): Promise<DeliveryRun> {
  const { acknowledge = false, afterwards } = options
  await listener.call('listen', { group: name, acknowledge })
  const roles = Object.entries(contestant.roles)
  const before = roles.map(([, pids]) => cpuOf(pids))
  const clients = [poster.pid, listener.pid]
  const clientsBefore = clients.map((pid) => cpuOf([pid]))
  const [posted, heardAt] = await Promise.all([
    poster.call('post', { target: contestant.notify, users, posts, connections: CONNECTIONS }),
    listener.call('heard', { group: name, notifications: posts * tabs }),
  ])
  if (posted.failed > 0) throw new Error(`${name}: ${posted.failed} posts failed`)
  const shares = clients.map((pid, index) => cpuOf([pid]) - clientsBefore[index]!)
  await afterwards?.()
  const cpu = Object.fromEntries(
    roles.map(([role, pids], index) => [role, (cpuOf(pids) - before[index]!) / posts]),
  )
  const seconds = (Math.max(heardAt, posted.endedAt) - posted.startedAt) / 1e6
  return {
    seconds,
    cpu,
    total: Object.values(cpu).reduce((sum, part) => sum + part, 0),
    load: Math.max(...shares) / 1e6 / seconds,
  }
}

/** The figures of a subject that are not ratios: notifications a second, CPU by role, and what the load used. */
export function deliveryFigures(name: string, runs: readonly DeliveryRun[], posts: number): Figure[] {
  const roles = Object.keys(runs[0]!.cpu)
  return [
    figure(
      `${name}: notifications`,
      '/s',
      runs.map(({ seconds }) => posts / seconds),
    ),
    figure(
      `${name}: CPU per notification, all processes`,
      'µs',
      runs.map(({ total }) => total),
    ),
    ...(roles.length > 1 ? roles : []).map((role) =>
      figure(
        `${name}: CPU per notification, ${role}`,
        'µs',
        runs.map(({ cpu }) => cpu[role]!),
      ),
    ),
    figure(
      `${name}: load process`,
      'cores',
      runs.map(({ load }) => load),
    ),
  ]
}

/** How two subjects compare, round by round: by notifications a second, and by the CPU that each costs. */
export function comparedFigures(
  [name, runs]: readonly [string, readonly DeliveryRun[]],
  [baseName, base]: readonly [string, readonly DeliveryRun[]],
): Figure[] {
  const seconds = (all: readonly DeliveryRun[]): number[] => all.map((run) => run.seconds)
  const totals = (all: readonly DeliveryRun[]): number[] => all.map((run) => run.total)
  return [
    ratio(`${name} ÷ ${baseName}, notifications a second`, seconds(base), seconds(runs)),
    ratio(`${name} ÷ ${baseName}, CPU per notification`, totals(runs), totals(base)),
  ]
}
