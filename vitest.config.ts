import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Against tests that hang; what has a deadline measures it. A machine whose cores are lent to others starts a process in ten seconds.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real servers and browsers share the machine with the tests: more files at once only make each slower.
    maxWorkers: 2,
    pool: 'forks',
  },
})
