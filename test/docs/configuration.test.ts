import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { environmentSchema, VARIABLES } from '../../src/config/variables.ts'

const document = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

/** The cells of the rows that name a variable. */
const rows = [...document.matchAll(/^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$/gm)].map(([, ...cells]) => cells)

const bare = (text: string): string => text.replace(/^`([^`]*)`$/, '$1')
/** The code refers to a document by its name, and a document by a link. */
const unlinked = (text: string): string => text.replace(/; see \[[^\]]*\]\([^)]*\)$/, '')

test('docs/configuration.md has every variable, with its default and meaning, and no other', () => {
  expect(rows.map(([name, shown, meaning]) => [name, bare(shown!), unlinked(meaning!)])).toEqual(
    VARIABLES.map(({ name, default: shown, meaning }) => [name, bare(shown), unlinked(meaning)]),
  )
})

test('docs/configuration.md names every value of a variable that has only some', () => {
  const choices = Object.entries(environmentSchema.properties).flatMap(([name, schema]) =>
    'enum' in schema ? [[name, schema.enum] as [string, string[]]] : [],
  )
  expect(choices.map(([name]) => name)).toContain('LOG_LEVEL')
  for (const [name, values] of choices) {
    const row = document.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
    for (const value of values) expect(row).toContain(`\`${value}\``)
  }
})

test('docs/configuration.md names every variable that may come from a file', () => {
  const [named] = /Secrets \(([^)]*)\)/.exec(document.replaceAll('\n', ' ')) ?? []
  const names = [...(named ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name)
  expect(names).toEqual(VARIABLES.filter(({ secret }) => secret).map(({ name }) => name))
})
