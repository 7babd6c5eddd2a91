import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { networkCuts } from './network-cuts.ts'
import { FLAWLESS } from './parts/judge.ts'

const cuts = isLong ? 1000 : 30

test.each(['embedded', 'redis'] as const)(
  'tabs whose network is cut at any moment get everything once and in order: %s',
  async (engine) => {
    const figures = await networkCuts({ engine, cuts })
    process.stdout.write(`cuts, ${engine}: ${JSON.stringify({ cuts, ...figures })}\n`)
    expect(figures).toMatchObject({ ...FLAWLESS, wrong: [] })
    expect(figures.interrupted).toBeGreaterThan(cuts / 50)
  },
  isLong ? 400_000 : 60_000,
)
