import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { LONGEST } from './test/budgets/longest.ts'
import { BudgetReporter } from './test/budgets/reporter.ts'

/** Whatever begins last is waited for by itself, so what takes longest begins first. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`))
      return at === -1 ? LONGEST.length : at
    }
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

/** Folders whose tests run in their own process, on what it can load once for many files. */
const TOGETHER = ['api', 'bridges', 'config', 'core', 'engines', 'sockets', 'webhooks'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)

/** `kept` in a whole run: a folder that is over its budget fails it. `shown` in the long one. */
const budgets = process.env.TABCAST_BUDGETS

export default defineConfig({
  test: {
    // Against tests that hang; what has a deadline measures it. A machine whose cores are lent to others starts a process in ten seconds.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real servers and browsers share the machine with the tests. More files use the time in which some wait; too many make each slower.
    maxWorkers: 6,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/budgets/clean.ts', ...(budgets === undefined ? [] : ['test/budgets/cpu-time.ts'])],
    reporters: [
      'default',
      ...(budgets === undefined
        ? []
        : [new BudgetReporter(join(import.meta.dirname, 'test'), budgets === 'kept')]),
    ],
    projects: [
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      { extends: true, test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: TOGETHER } },
    ],
  },
})
