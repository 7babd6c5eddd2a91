import { existsSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BUDGETS, folderOf, overspent } from './budgets.ts'
import { LONGEST } from './longest.ts'

const tests = join(import.meta.dirname, '..')

describe('budgets', () => {
  test('every folder of tests has one, and each is of a folder that is there', async () => {
    const files = await Array.fromAsync(glob('**/*.test.ts', { cwd: tests }))
    expect(files.filter((file) => folderOf(file) === undefined)).toEqual([])
    expect(
      Object.keys(BUDGETS).filter((folder) => !files.some((file) => file.startsWith(`${folder}/`))),
    ).toEqual([])
  })

  test('a folder within its budget says nothing; one that is over says how much, whatever its single files took', () => {
    const { cpu, wall } = BUDGETS.core!
    const half = { cpu: cpu / 2, wall: wall / 2 }
    const within = ['core/a.test.ts', 'core/b/c.test.ts'].map((file) => ({ file, ...half }))
    expect(overspent(within)).toEqual([])
    const file = 'core/d.test.ts'
    expect(overspent([...within, { file, cpu: 1, wall: 0 }])).toEqual([
      `test/core took ${cpu + 1} s (cpu) of ${cpu}.`,
    ])
    expect(overspent([...within, { file, cpu: 0, wall: 2 }])).toEqual([
      `test/core took ${wall + 2} s (wall) of ${wall}.`,
    ])
    expect(overspent([{ file: 'new/a.test.ts', cpu: 0, wall: 0 }])).toEqual([
      expect.stringContaining('test/new/a.test.ts has no budget'),
    ])
  })

  test('what begins first is there', () => {
    expect(LONGEST.filter((file) => !existsSync(join(tests, file)))).toEqual([])
  })
})
