import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { embeddedKills } from './embedded-kills.ts'
import { FLAWLESS } from './parts/judge.ts'

const kills = isLong ? 50 : 3

test(
  'a process on a file that is killed again and again: what was taken is shown once and in order, and tabs come back by themselves',
  async () => {
    const figures = await embeddedKills(kills)
    process.stdout.write(`embedded, killed: ${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject({ ...FLAWLESS, wrong: [] })
    // Some of the kills were between a commit and its answer.
    expect(figures.replayed).toBeGreaterThan(0)
    expect(figures.fewestReconnects).toBeGreaterThan(0)
  },
  isLong ? 400_000 : 120_000,
)
