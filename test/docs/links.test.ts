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
