import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longest, and begins first: whatever begins last is waited for by itself. */
const LONGEST = [
  'engines/redis.test.ts',
  'chaos/prove/prove.test.ts',
  'mutations/mutations.test.ts',
  'roles/cluster-life.test.ts',
  'roles/webhooks.test.ts',
  'engines/embedded.test.ts',
  'engines/redis-sentinel-contract.test.ts',
  'browser/docs.test.ts',
  'engines/redis-silence.test.ts',
  'chaos/scenario-rolling.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`))
      return at === -1 ? LONGEST.length : at
    }
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Against tests that hang; what has a deadline measures it. A machine whose cores are lent to others starts a process in ten seconds.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real servers and browsers share the machine with the tests. A third file uses the time in which two wait; more only make each slower.
    maxWorkers: 3,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
  },
})
