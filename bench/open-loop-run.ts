import type { Load, Subject } from './delivery-run.ts'
import { percentile } from './figures/ratio.ts'

/** Deliveries of posts by a schedule. */
export interface OpenLoopRun {
  /** When the first was due, in microseconds of the load's clock. */
  startedAt: number
  /** When each was due, and how long it took from then until the tab heard it; microseconds. */
  dues: Float64Array
  latencies: Float64Array
  /** By how much the load itself was late, at 99 %, in microseconds; it counts in the latencies. */
  late: number
}

/** Connections that post: as many as may wait for an answer before the next has to wait. */
const CONNECTIONS = 128

/** Posts to a subject's users, `rate` a second for so many seconds, and waits until its tabs have heard all of them. */
export async function deliverAtRate(
  { poster, listener }: Load,
  { name, contestant, users, tabs }: Subject,
  rate: number,
  seconds: number,
): Promise<OpenLoopRun> {
  await listener.call('listen', { group: name, sample: true })
  const [posted] = await Promise.all([
    poster.call('postAtRate', { target: contestant.notify, users, rate, seconds, connections: CONNECTIONS }),
    listener.call('heard', { group: name, notifications: rate * seconds * tabs }),
  ])
  if (posted.failed > 0) throw new Error(`${name}: ${posted.failed} posts failed`)
  const { dues, latencies } = await listener.call('samples', { group: name })
  return { startedAt: posted.startedAt, dues, latencies, late: posted.late }
}

/** A percentile of latencies, in milliseconds. */
export function latency(latencies: Float64Array, share: number): number {
  return percentile(latencies, share) / 1000
}
