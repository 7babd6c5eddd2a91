import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { frozenWorker } from './frozen-worker.ts'
import { FLAWLESS } from './parts/judge.ts'

/** The full form has Redis's own limit for what may wait for a subscription. */
const size = isLong
  ? { publications: 50_000, size: 2000, outputBuffer: 32 * 1_048_576 }
  : { publications: 2600, size: 3800, outputBuffer: 2 * 1_048_576 }

/** The channels are idle after the thaw: they must not wait for their next check, up to 30 seconds later. */
const patience = isLong ? 25_000 : 12_000

/** By default tabs give up after 45 seconds and come back with their cursor, on a slow machine in the full form; or they stay for sure. */
const PING_TIMEOUTS = isLong ? [20_000, 600_000] : [20_000]

test.each(PING_TIMEOUTS)(
  'a worker that is frozen until Redis cuts its subscription: its tabs get everything, and those of another worker notice nothing (ping time-out %i ms)',
  async (pingTimeout) => {
    const figures = await frozenWorker({ ...size, pingTimeout, patience })
    process.stdout.write(`frozen: ${JSON.stringify(figures)}\n`)
    const [before, after] = figures.subscriptions
    expect(after).toBe(before - 1)
    expect(figures).toMatchObject({ frozen: FLAWLESS, others: FLAWLESS, disturbed: 0, delayed: 0, late: 0 })
  },
  isLong ? 400_000 : 120_000,
)
