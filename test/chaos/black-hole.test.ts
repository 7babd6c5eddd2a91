import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { blackHole, silentSubscription } from './black-hole.ts'
import { FLAWLESS } from './parts/judge.ts'

/** Number of times that every backend is refused before the hole is closed; each time takes a second. */
const refusals = isLong ? 20 : 2
const timeout = isLong ? 300_000 : 120_000

/** An answer within two seconds; the rest is for a busy machine. */
const ANSWERED = 2400

/** Milliseconds for which a silent connection may go unnoticed, and a closed hole too. */
const NOTICED = 5000

test.each(['frozen', 'deaf'] as const)(
  'the way to Redis is a black hole (%s): every post is answered in time with 503, and then it goes on',
  async (traffic) => {
    const figures = await blackHole(traffic, refusals)
    process.stdout.write(`black hole, ${traffic}: ${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject(FLAWLESS)
    expect(Object.keys(figures.statuses)).toEqual(['201', '503'])
    expect(figures.slowest).toBeLessThan(ANSWERED)
    expect(figures.recovered).toBeLessThan(NOTICED)
    // Redis has stored what nobody got an answer for, and a repetition stores nothing again.
    if (traffic === 'deaf') expect(figures.replayed).toBeGreaterThan(0)
  },
  timeout,
)

test(
  'a subscription that falls silent while commands are answered is replaced, and its tabs miss nothing',
  async () => {
    const figures = await silentSubscription()
    process.stdout.write(`silent subscription: ${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject(FLAWLESS)
    expect(Object.keys(figures.statuses)).toEqual(['201'])
    expect(figures.silenced).toBe(1)
    expect(figures.replaced).toBeLessThan(NOTICED)
    expect(figures.repaired).toBeLessThan(NOTICED)
  },
  timeout,
)
