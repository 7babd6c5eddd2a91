import { expect, test } from 'vitest'
import { prove } from './prove.ts'

/** The short form of `npm run prove`: every attack once. */
const SHORT = { seed: 1, users: 12, rooms: 2, rate: 50 }

test.each([
  { engine: 'redis' as const, seconds: 24, pace: 1.2 },
  { engine: 'embedded' as const, seconds: 12, pace: 1 },
])(
  '$engine: nothing is lost, doubled, disordered or claimed continuous, whatever is broken',
  async (how) => {
    const proof = await prove({ ...SHORT, ...how })
    expect(proof).toMatchObject({
      idle: [],
      faults: [],
      broken: {
        lost: 0,
        duplicated: 0,
        disordered: 0,
        falseContinuity: 0,
        needlessGaps: 0,
        refused: 0,
        stranded: 0,
        crashes: 0,
      },
    })
    expect(proof.acknowledged).toBeGreaterThan(100)
  },
  180_000,
)
