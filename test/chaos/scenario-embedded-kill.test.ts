import { expect, test } from 'vitest'
import { embeddedKills } from './embedded-kills.ts'
import { full } from './parts/full.ts'
import { FLAWLESS } from './parts/judge.ts'

const kills = full ? 50 : 5

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
  full ? 400_000 : 120_000,
)
