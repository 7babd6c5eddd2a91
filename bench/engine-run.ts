import { type Arena, processesOf } from './arena.ts'
import { startEmbedded, startOnRedis, type TabcastContestant } from './contestants/tabcast.ts'
import { cpuOf } from './figures/processes.ts'
import type { LoadClient } from './load/client.ts'
import type { PostTarget } from './load/http-posts.ts'

/** Posts without tabs: what storing alone takes. */
export interface StoredRun {
  seconds: number
  /** CPU of all processes, in microseconds per post. */
  cpu: number
}

const CONNECTIONS = 64

/** Tabcast on both engines. */
export function startBothEngines(arena: Arena): Promise<TabcastContestant[]> {
  return arena.start<TabcastContestant>(startOnRedis, startEmbedded)
}

/** Posts to the users in turn; `target` and `connections` are for what is no plain notification. */
export async function store(
  client: LoadClient,
  contestant: TabcastContestant,
  users: readonly string[],
  posts: number,
  {
    target = contestant.notify,
    connections = CONNECTIONS,
  }: { target?: PostTarget; connections?: number } = {},
): Promise<StoredRun> {
  const pids = processesOf(contestant)
  const before = cpuOf(pids)
  const { startedAt, endedAt, failed } = await client.call('post', { target, users, posts, connections })
  if (failed > 0) throw new Error(`${contestant.name}: ${failed} posts failed`)
  return { seconds: (endedAt - startedAt) / 1e6, cpu: (cpuOf(pids) - before) / posts }
}
