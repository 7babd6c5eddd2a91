import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { rollingRestarts } from './rolling-restarts.ts'

/** Within the drain, balancers on a busy machine have to notice it. */
const options = isLong
  ? { sockets: 2000, rounds: 3, drainSeconds: 5, rate: 200 }
  : { sockets: 40, rounds: 1, drainSeconds: 3, rate: 100 }

test(
  'rolling restarts: every tab gets everything once and in order, and every post is taken',
  async () => {
    const figures = await rollingRestarts(options)
    if (isLong) process.stdout.write(`${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject({ failedPosts: [], lost: 0, duplicated: 0, gaps: 0 })
    if (isLong) expect(figures.timeouts).toBe(0)
    expect(figures.exitCodes).toEqual(Array(5 * options.rounds).fill(0))
    // Every tab was on a worker that was stopped, at least once a round.
    expect(figures.reconnects).toBeGreaterThanOrEqual(options.sockets * options.rounds)
    // The spread, what tabs take to hear of it, and the moment after; with air for a busy machine.
    expect(figures.longestStop).toBeLessThan(options.drainSeconds * 1000 + 6000)
  },
  isLong ? 600_000 : 60_000,
)
