import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const documents = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: root })

/** The anchors that GitHub gives the headings of a document. */
function anchorsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

test.each(documents)('%s links only to files and headings that are there', (document) => {
  const file = join(root, document)
  for (const [link, path, anchor] of readFileSync(file, 'utf8').matchAll(
    /\]\((?!https?:)([^)#\s]*)#?([^)]*)\)/g,
  )) {
    const target = path === '' ? file : join(dirname(file), path!)
    expect([link, existsSync(target)]).toEqual([link, true])
    if (anchor !== '') expect([link, anchorsOf(target)]).toEqual([link, expect.arrayContaining([anchor])])
  }
})

test.each(documents)('%s names only files and folders that are there', (document) => {
  const text = readFileSync(join(root, document), 'utf8')
  const named = [...text.matchAll(/`((?:src|test|docs|bench|deploy|examples|scripts|openapi)\/[\w./-]*)`/g)]
  // Where tests are what it is about, their folder goes without saying.
  const exists = (path: string): boolean =>
    existsSync(join(root, path)) || existsSync(join(root, 'test', path))
  expect(named.map(([, path]) => path!).filter((path) => !exists(path))).toEqual([])
})

test('docs/guarantees.md names only tests that are there', () => {
  const text = readFileSync(join(root, 'docs/guarantees.md'), 'utf8')
  // The table of safeguards is held to the mutations themselves.
  const [clauses] = text.split('<!-- mutations -->')
  const named = [...clauses!.matchAll(/`([a-z-]+\/[a-z./-]+\.ts)`/g)].map(([, path]) => path!)
  expect(named.length).toBeGreaterThan(80)
  const missing = named.filter(
    (path) => !existsSync(join(root, 'test', path)) && !existsSync(join(root, path)),
  )
  expect(missing).toEqual([])
})
