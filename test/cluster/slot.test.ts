import { expect, test } from 'vitest'
import { Backoff } from '../../src/cluster/slot.ts'

/** The least and the most that the pause may be after so many ends in a row. */
const bounds = (times: number): [number, number] => {
  const most = Math.min(10_000, 200 * 2 ** times)
  return [most / 2, most]
}

test('the pause doubles up to ten seconds, with jitter, and begins anew after a process that ran for half a minute', () => {
  const pauses = new Set<number>()
  for (let run = 0; run < 50; run++) {
    const backoff = new Backoff()
    for (let times = 0; times < 10; times++) {
      const pause = backoff.after(29_999)
      const [least, most] = bounds(times)
      expect(pause).toBeGreaterThanOrEqual(least)
      expect(pause).toBeLessThanOrEqual(most)
      pauses.add(pause)
    }
    expect(backoff.after(30_000)).toBeLessThanOrEqual(200)
    expect(backoff.after(0)).toBeLessThanOrEqual(400)
  }
  expect(pauses.size).toBeGreaterThan(400)
})
