import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 15_000,
    hookTimeout: 30_000,
    // Real servers and browsers share the machine with the tests: more files at once only make each slower.
    maxWorkers: 2,
    pool: 'forks',
  },
})
