import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { FLAWLESS } from './parts/judge.ts'
import { wipedStore, wipes } from './wiped-store.ts'

/** Each has a tab on each of two workers. */
const users = isLong ? 150 : 6

/** Two seconds; the rest is for a busy machine. */
const TOLD = 2400

test.each(Object.keys(wipes))(
  '%s under traffic: every tab gets a gap on every channel, busy or not, and goes on',
  async (name) => {
    const figures = await wipedStore(users, wipes[name]!)
    process.stdout.write(`wipe by ${name}: ${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject({ ...FLAWLESS, gaps: figures.heard, told: figures.heard, disconnects: 0 })
    expect(figures.toldWithin).toBeLessThan(TOLD)
  },
  isLong ? 300_000 : 120_000,
)
