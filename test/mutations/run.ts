/**
 * For each safeguard, the test that must notice, run while the safeguard is taken out: in vitest, and in the processes that the test starts.
 * Prints a line of JSON for each, a `Verdict`. One process for all, since to load vitest takes longer than most of the tests.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type {} from 'vitest/config'
import { startVitest } from 'vitest/node'
import { type Mutation, mutated, mutations } from './mutations.ts'

export interface Verdict {
  index: number
  /** Number of tests that went red. */
  failed: number
  /** Why they and their files did. */
  errors: string[]
}

/** Number of those that run at once: what hangs without its safeguard waits for its time limit. */
const AT_ONCE = 2

async function runWithout(mutation: Mutation, index: number): Promise<Verdict> {
  const vitest = await startVitest(
    'test',
    [mutation.test],
    {
      config: false,
      root: join(import.meta.dirname, '../..'),
      watch: false,
      reporters: [{}],
      testNamePattern: mutation.name,
      testTimeout: 6000,
      hookTimeout: 30_000,
      pool: 'forks',
      fsModuleCache: true,
      env: {
        MUTATION: String(index),
        NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'preload.ts'))}`,
      },
    },
    {
      plugins: [
        {
          name: 'mutation',
          enforce: 'pre',
          transform: (code, id) => mutated(mutation, id, code),
          // What others share is transformed once; a module of one mutation must not be taken for that of another.
          configureVitest: ({ defineCacheKeyGenerator }) =>
            defineCacheKeyGenerator(({ id }) => (id.endsWith(`/${mutation.module}`) ? false : undefined)),
        },
      ],
    },
  )
  const modules = vitest.state.getTestModules()
  const red = modules.flatMap(({ children }) => [...children.allTests('failed')])
  const errors = [
    ...modules.map((module) => module.errors()),
    ...red.map((test) => test.result().errors ?? []),
  ]
  await vitest.close()
  return { index, failed: red.length, errors: errors.flat().map(({ message }) => message) }
}

const queue = mutations.entries()
const lanes = Array.from({ length: AT_ONCE }, async () => {
  for (const [index, mutation] of queue)
    process.stdout.write(`${JSON.stringify(await runWithout(mutation, index))}\n`)
})
await Promise.all(lanes)
// A red test is what is wanted; vitest takes it for a failure of this process.
process.exitCode = 0
