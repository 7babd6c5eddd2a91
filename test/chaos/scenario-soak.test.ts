import { expect, test } from 'vitest'
import { full } from './full.ts'
import { soak } from './soak.ts'

const size = full ? { connects: 200_000, messages: 1_000_000 } : { connects: 400, messages: 4000 }

test.each(['embedded', 'redis'] as const)(
  'tabs come and go, and in the end everything is where it was: %s',
  async (engine) => {
    const figures = await soak({ engine, ...size })
    process.stdout.write(`soak, ${engine}: ${JSON.stringify({ ...size, ...figures })}\n`)
    expect(figures.after).toEqual(figures.before)
    expect(figures.growth).toBeLessThan(2 * 1_048_576)
  },
  full ? 3_600_000 : 120_000,
)
