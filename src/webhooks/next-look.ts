import { happenedTo } from '../core/happening.ts'
import type { Item } from '../core/item.ts'
import type { NextWatch, Watch } from '../core/watches.ts'

/** Looks that nobody asked for come after so many milliseconds, doubling, and at least so often. */
const FIRST_PAUSE = 60_000
const LONGEST_PAUSE = 3_600_000

/** What a watch is after a look at its notification (undefined: it is gone): what was found is to be told, and the rest looked at again. */
export function afterLook(watch: Watch, item: Item | undefined, now: number): NextWatch {
  const { happened, open } = happenedTo(item, watch, now)
  const telling = [...watch.telling, ...happened]
  const next: Watch = { ...watch, telling, events: open, looks: watch.looks + 1 }
  if (telling.length > 0) return { watch: next, at: Math.max(now, watch.retryAt) }
  return item === undefined || open.length === 0
    ? undefined
    : { watch: next, at: nextLook(next, item.expiresAt, now) }
}

/** Who acknowledges or reads says so, and the look comes at once: this is for when that word was lost, and for what time alone decides. */
function nextLook({ looks, events, undeliveredAt }: Watch, expiresAt: string, now: number): number {
  const pause = Math.min(FIRST_PAUSE * 2 ** (looks - 1), LONGEST_PAUSE)
  if (!events.includes('undelivered')) return now + pause
  const ends = [undeliveredAt!, Date.parse(expiresAt) + 1].filter((end) => end > now)
  return Math.min(now + pause, ...ends)
}
