import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { plotsOf } from '../../bench/page/plots.ts'
import { PARTS } from '../../bench/parts.ts'
import { linesOf } from '../../bench/print.ts'
import { type Results, readResults } from '../../bench/results.ts'
import { pageWith } from '../../bench/write-page.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tabcast-bench-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const bench = (...args: string[]) => run(process.execPath, ['bench/run.ts', ...args], { cwd: root })

describe('npm run bench', () => {
  test('lists its parts', async () => {
    const { stdout } = await bench('--help')
    expect(PARTS.filter(({ name }) => !stdout.includes(`  ${name} `))).toEqual([])
  })

  test('refuses a part that there is not', async () => {
    await expect(bench('speed')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no part speed.'),
    })
  })

  test('keeps figures in a file, and says how they have changed since', async () => {
    const file = join(dir, 'results.json')
    const { stdout } = await bench('--tiny', 'many', '--json', file)
    expect(stdout).toMatch(/embedded: one call +[\d.]+ ms/)
    const results = JSON.parse(await readFile(file, 'utf8')) as Results
    expect(results).toMatchObject({ scale: 'tiny', parts: [{ name: 'many', sizes: { rounds: 1 } }] })
    const [part] = results.parts
    const figures = part!.figures.map((figure) => ({
      ...figure,
      rounds: figure.rounds.map((value) => 2 * value),
    }))
    const lines = linesOf({ ...part!, figures }, results).join('\n')
    expect(lines).toMatch(/embedded: one call +[\d.]+ → \(\+100 %\) [\d.]+ ms/)
  })
})

describe('docs/performance.md', () => {
  test('is what the files say that it names; npm run performance writes it', async () => {
    const page = await readFile(join(root, 'docs/performance.md'), 'utf8')
    const names = [...page.matchAll(/`(bench\/results\/[\w.-]+\.json)`/g)].map(([, name]) => name!)
    const [results, older] = names.map((name) => readResults(join(root, name)))
    expect(pageWith(page, names, results!, older)).toBe(page)
    for (const { name, svg } of plotsOf(results!))
      expect(await readFile(join(root, `docs/images/${name}.svg`), 'utf8')).toBe(svg)
  })
})
