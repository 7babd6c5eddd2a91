import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits until something that can only be asked for has become true, such as the state of another process; an error while asking counts
 * as not yet. Throws after so many milliseconds; asks again after a pause of so many.
 */
export async function until(isSo: () => Promise<boolean>, patience: number, pause = 25): Promise<void> {
  const end = Date.now() + patience
  for (;;) {
    if (await isSo().catch(() => false)) return
    if (Date.now() > end) throw new Error(`not so after ${patience} ms`)
    await delay(pause)
  }
}
