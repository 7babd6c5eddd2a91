import { describe, expect, test } from 'vitest'
import type { Harness } from './harness.ts'

/** Probes, and what an engine says of itself. */
export function engineLaw(harness: Harness): void {
  describe('the engine', () => {
    test('a probe comes back, again and again, and at the same time', async () => {
      const engine = await harness.open()
      await engine.probe()
      await Promise.all([engine.probe(), engine.probe()])
    })

    test('it describes itself in sentences', async () => {
      const sentences = await (await harness.open()).describe()
      expect(sentences.length).toBeGreaterThan(0)
      for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z].*\.$/)
    })
  })
}
