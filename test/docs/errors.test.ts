import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorsDocument } from '../../scripts/write-errors.ts'
import { VARIABLES } from '../../src/config/variables.ts'
import { ERROR_ENTRIES, type ErrorPlace } from '../../src/core/model/error-help.ts'
import { ERRORS } from '../../src/core/model/errors.ts'

const root = new URL('../..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const TABLE = ['src/core/model/errors.ts', 'src/core/model/error-help.ts']
const sources = globSync('src/**/*.ts', { cwd: root.pathname })
  .filter((path) => !TABLE.includes(path))
  .map(read)
  .join('\n')

/** The codes in the first column of the tables below a heading of `docs/events.md`. */
function codesBelow(heading: string): string[] {
  const section = read('docs/events.md').split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!
  return [...section.matchAll(/^\| (`.*?) \|/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`(\w+)`/g)])
    .map(([, name]) => name!)
    .filter((name) => name in ERRORS)
    .sort()
}

const codesAt = (place: ErrorPlace): string[] =>
  ERROR_ENTRIES.filter(({ places }) => places.includes(place))
    .map(({ code }) => code)
    .sort()

test('docs/errors.md is what the table says; scripts/write-errors.ts writes it', () => {
  expect(read('docs/errors.md')).toBe(errorsDocument())
})

test('every row of the table is used', () => {
  const unused = Object.keys(ERRORS).filter((code) => !sources.includes(`'${code}'`))
  expect(unused).toEqual([])
})

test('only variables that there are are named', () => {
  const words = ERROR_ENTRIES.map(({ happened, remedy }) => `${happened} ${remedy}`).join(' ')
  const named = [...words.matchAll(/`([A-Z]+_?[A-Z_]+)(?:=\w+)?`/g)].map(([, name]) => name!)
  expect(named).toContain('MAX_BODY_BYTES')
  // Neither a method of HTTP nor anything else is written like one.
  expect(named.filter((name) => !VARIABLES.some((variable) => variable.name === name))).toEqual([])
})

describe('where an error is met is as docs/events.md says', () => {
  test('a connect_error', () => {
    expect(codesAt('connect')).toEqual(codesBelow('When it is refused'))
  })

  test('an acknowledgement', () => {
    expect(codesAt('event')).toEqual(codesBelow('From the tab to the server'))
  })

  test('unsubscribed', () => {
    const row = read('docs/events.md').match(/^\| `unsubscribed` \| .*$/m)![0]
    expect(codesAt('unsubscribed')).toEqual(
      Object.keys(ERRORS)
        .filter((code) => row.includes(`\`${code}\``))
        .sort(),
    )
  })
})
