import { setTimeout as delay } from 'node:timers/promises'

/** How long nobody may have asked before a server counts as left alone, in milliseconds. */
const QUIET = 500

/**
 * Waits until nothing has happened for half a second, at most so many seconds: a balancer needs a moment to learn that a process is
 * leaving, and what it sends until then is still answered.
 */
export async function untilQuiet(count: () => number, seconds: number): Promise<void> {
  const end = Date.now() + seconds * 1000
  for (let before = count() - 1; before !== count() && Date.now() < end; ) {
    before = count()
    await delay(Math.min(QUIET, Math.max(0, end - Date.now())))
  }
}
