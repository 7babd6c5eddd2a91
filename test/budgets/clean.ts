/** A set-up file of vitest: nothing that a test file has put in place of something is left to the next one in its process. */
import { afterAll, vi } from 'vitest'

afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
