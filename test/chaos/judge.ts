import { until } from '../support/until.ts'
import type { KeepingTab } from './keeping-tab.ts'
import type { Lane } from './lane.ts'
import { birthOf, type Reading } from './prove/reading.ts'

/** What all tabs have seen, against what was taken for their channels. */
export interface Verdict {
  /** Taken, and neither seen nor told as lost by a wipe. */
  lost: number
  /** Seen more than once in one life of the log. */
  duplicated: number
  /** Seen after a later one. */
  disordered: number
  /** Something between two events was not there, and no `gap` said so. */
  falseContinuity: number
  gaps: number
}

export const FLAWLESS: Verdict = { lost: 0, duplicated: 0, disordered: 0, falseContinuity: 0, gaps: 0 }

/** Judges what so many tabs have seen of what these lanes have published. */
export function judge(tabs: readonly KeepingTab[], lanes: readonly Lane[]): Verdict {
  const verdict = { ...FLAWLESS }
  const byChannel = new Map(lanes.map((lane) => [lane.channel, lane]))
  for (const { readings } of tabs)
    for (const [channel, reading] of readings) {
      verdict.lost += lostBy(reading, byChannel.get(channel))
      verdict.duplicated += reading.duplicated
      verdict.disordered += reading.disordered
      verdict.falseContinuity += reading.falseContinuity
      verdict.gaps += reading.gaps.length
    }
  return verdict
}

/** Resolves when the tabs lack nothing any more, or after so many milliseconds: what never comes is the finding, not an error. */
export async function completed(
  tabs: readonly KeepingTab[],
  lanes: readonly Lane[],
  patience: number,
): Promise<void> {
  await until(async () => judge(tabs, lanes).lost === 0, patience, 50).catch(() => undefined)
}

function lostBy({ seen, gaps }: Reading, lane: Lane | undefined): number {
  const last = gaps.at(-1)
  const isTold = (epoch: string): boolean => last !== undefined && birthOf(last.epoch) !== birthOf(epoch)
  return (lane?.taken ?? []).filter(({ name, epoch }) => !seen.has(name) && !isTold(epoch)).length
}
