import { until } from '../../support/until.ts'
import { incarnationOf, type Reading } from '../prove/reading.ts'
import type { KeepingTab } from './keeping-tab.ts'
import type { Lane, Taken } from './lane.ts'

/** A comparison of all that tabs have seen with all that was taken for their channels. */
export interface Verdict {
  /** Taken, and neither seen nor within the gap of a wipe. */
  lost: number
  /** Answered with another position in the log than the page received. */
  misplaced: number
  /** Seen more than once in one incarnation of the log. */
  duplicated: number
  /** Seen after a later one. */
  disordered: number
  /** Something between two events was not there, and no `gap` said so. */
  falseContinuity: number
  gaps: number
}

export const FLAWLESS: Verdict = {
  lost: 0,
  misplaced: 0,
  duplicated: 0,
  disordered: 0,
  falseContinuity: 0,
  gaps: 0,
}

/** Judges what so many tabs have seen of what these lanes have published. */
export function judge(tabs: readonly KeepingTab[], lanes: readonly Lane[]): Verdict {
  const verdict = { ...FLAWLESS }
  const byChannel = new Map(lanes.map((lane) => [lane.channel, lane]))
  for (const { readings } of tabs)
    for (const [channel, reading] of readings) {
      const taken = byChannel.get(channel)?.taken ?? []
      verdict.lost += taken.filter((one) => isLost(one, reading)).length
      verdict.misplaced += taken.filter((one) => isMisplaced(one, reading)).length
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
  await until(async () => judge(tabs, lanes).lost === 0, patience, 100).catch(() => undefined)
}

function isLost({ name, epoch }: Taken, { seen, gaps }: Reading): boolean {
  const last = gaps.at(-1)
  const isTold = last !== undefined && incarnationOf(last.epoch) !== incarnationOf(epoch)
  return !seen.has(name) && !isTold
}

/** True for another position in the same incarnation. A publication that was stored again after a wipe has two, and both are right. */
function isMisplaced({ name, seq, epoch }: Taken, { seen }: Reading): boolean {
  const position = seen.get(name)
  if (position === undefined || incarnationOf(position.epoch) !== incarnationOf(epoch)) return false
  return position.seq !== seq || position.epoch !== epoch
}
