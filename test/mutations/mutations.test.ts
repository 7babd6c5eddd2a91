import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mutation, mutations } from './mutations.ts'

let reports: string
beforeAll(async () => {
  reports = await mkdtemp(join(tmpdir(), 'tabcast-mutations-'))
})
afterAll(() => rm(reports, { recursive: true }))

const root = join(import.meta.dirname, '../..')

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { message: string }[]
}

/** Runs the test that must notice, with the safeguard taken out. */
async function runWithout({ test: file, name }: Mutation, index: number): Promise<Report> {
  const report = join(reports, `${index}.json`)
  const args = ['run', file, '-t', name, '--config', 'test/mutations/vitest.config.ts']
  const output = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', ...args, '--reporter=json', `--outputFile=${report}`],
      // One that hangs must not outlive us.
      { cwd: root, env: { ...process.env, MUTATION: String(index) }, timeout: 55_000 },
      // A red test is what is wanted, so the exit code says nothing.
      (_error, stdout, stderr) => resolve(stdout + stderr),
    )
  })
  const text = await readFile(report, 'utf8').catch(() => {
    throw new Error(`nothing ran:\n${output}`)
  })
  return JSON.parse(text)
}

describe.concurrent('with a safeguard taken out, a test goes red', { timeout: 60_000 }, () => {
  test.each(mutations.map((mutation, index) => ({ ...mutation, index })))(
    '$safeguard',
    async ({ index, ...mutation }) => {
      const { numFailedTests, testResults } = await runWithout(mutation, index)
      expect(testResults.map(({ message }) => message).join('\n')).not.toContain('does not have exactly once')
      expect(numFailedTests).toBeGreaterThan(0)
    },
  )
})

test('docs/guarantees.md lists every safeguard with its test', async () => {
  const text = await readFile(join(root, 'docs/guarantees.md'), 'utf8')
  const listed = [...text.matchAll(/^\| (.+?) \| `(test\/[^`]+)` \|$/gm)].map(([, safeguard, file]) => [
    safeguard,
    file,
  ])
  expect(listed).toEqual(mutations.map(({ safeguard, test: file }) => [safeguard, file]))
})
