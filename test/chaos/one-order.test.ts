import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { oneOrder } from './one-order.ts'

const messages = isLong ? 100_000 : 1000

test(
  'two APIs, two workers, parallel publishers: all tabs see one order, without holes, and the log says the same afterwards',
  async () => {
    const figures = await oneOrder(messages)
    process.stdout.write(`order: ${JSON.stringify({ messages, ...figures })}\n`)
    expect(figures).toMatchObject({ failed: [], differing: [], holed: [], misplaced: [] })
    // Four tabs per channel heard everything, and four read it afterwards.
    expect(figures.shown).toBe(8 * messages)
    expect(figures.interleaved).toBeGreaterThan(messages / 20)
  },
  isLong ? 450_000 : 90_000,
)
