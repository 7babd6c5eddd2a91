import { setTimeout as delay } from 'node:timers/promises'

/** Waits before try number `attempt` (from 0): 50 ms, doubling up to 500 ms, with half of it at random so that processes spread. */
export async function backoff(attempt: number): Promise<void> {
  const longest = Math.min(50 * 2 ** attempt, 500)
  await delay(longest / 2 + (Math.random() * longest) / 2, undefined, { ref: false })
}
