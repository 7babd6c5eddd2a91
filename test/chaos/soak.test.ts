import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { returned, soak } from './soak.ts'

/** `npm run prove -- --soak` is a longer form still. */
const size = isLong ? { connects: 10_000, messages: 100_000 } : { connects: 80, messages: 500, wave: 20 }

test.each(['embedded', 'redis'] as const)(
  'tabs come and go, and in the end everything is where it was: %s',
  async (engine) => {
    const figures = await soak({ engine, ...size })
    process.stdout.write(`soak, ${engine}: ${JSON.stringify({ ...size, ...figures })}\n`)
    expect(figures.after).toEqual(figures.before)
    expect(returned(figures)).toBe(true)
  },
  isLong ? 900_000 : 120_000,
)
