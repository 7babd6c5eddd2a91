import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { slowTabs } from './slow-tabs.ts'

const tabs = 20
/** That nobody reads, for each of the tabs. */
const bytes = isLong ? 60_000_000 : 8_000_000

test(
  'tabs that stop reading cost a bounded number of bytes, disturb nobody, and are complete afterwards',
  async () => {
    // Two processes, so that what is compared is only what the slow tabs add.
    const without = await slowTabs({ tabs: 0, bytes })
    const figures = await slowTabs({ tabs, bytes })
    if (isLong) process.stdout.write(`${JSON.stringify({ without, figures })}\n`)
    expect(figures).toMatchObject({ closed: tabs, disturbed: 0, healthyFaults: 0, slowFaults: 0 })
    expect((figures.peak - without.peak) / tabs).toBeLessThan(2048)
  },
  isLong ? 600_000 : 90_000,
)
