import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defineConfig } from 'vitest/config'
import { mutated } from './mutations.ts'

/** The tests with one module replaced by what it is without its safeguard, in vitest and in the processes that it starts. */
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    testTimeout: 6000,
    hookTimeout: 30_000,
    pool: 'forks',
    // A module of one mutation must not be taken for that of another.
    fsModuleCache: false,
    env: { NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, 'preload.ts'))}` },
  },
  plugins: [{ name: 'mutation', enforce: 'pre', transform: (code, id) => mutated(id, code) }],
})
