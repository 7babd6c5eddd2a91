import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { mutations } from './mutations.ts'
import type { Verdict } from './run.ts'

const root = join(import.meta.dirname, '../..')

describe('with a safeguard taken out, a test goes red', () => {
  const verdicts = new Map<number, Verdict>()
  beforeAll(async () => {
    // One that hangs must not outlive us.
    const options = { cwd: root, timeout: 230_000 }
    const { stdout } = await promisify(execFile)(process.execPath, ['test/mutations/run.ts'], options)
    for (const line of stdout.trim().split('\n')) {
      const verdict: Verdict = JSON.parse(line)
      verdicts.set(verdict.index, verdict)
    }
  }, 240_000)

  test.each(mutations.map(({ safeguard }, index) => ({ safeguard, index })))('$safeguard', ({ index }) => {
    const verdict = verdicts.get(index)
    expect(verdict?.errors.join('\n')).not.toContain('does not have exactly once')
    expect(verdict?.failed).toBeGreaterThan(0)
  })
})

test('docs/guarantees.md lists every safeguard with its test', async () => {
  const text = await readFile(join(root, 'docs/guarantees.md'), 'utf8')
  const listed = [...text.matchAll(/^\| (.+?) \| `(test\/[^`]+)` \|$/gm)].map(([, safeguard, file]) => [
    safeguard,
    file,
  ])
  expect(listed).toEqual(mutations.map(({ safeguard, test: file }) => [safeguard, file]))
})
