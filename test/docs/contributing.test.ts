import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const foldersOf = (path: string): string[] =>
  readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)

describe('the documents about the code', () => {
  test.each(['CONTRIBUTING.md', 'docs/architecture.md'])('%s names every room', (document) => {
    const text = read(document)
    const rooms = foldersOf('src').filter((room) => !text.includes(`src/${room}`))
    const floors = foldersOf('src/core').filter(
      (floor) => !text.includes(`\`${floor}\``) && !text.includes(` ${floor}/`),
    )
    expect([rooms, floors]).toEqual([[], []])
  })

  test('the pictures name every room, too', () => {
    const picture = read('docs/images/rooms.svg')
    const rooms = [...foldersOf('src'), ...foldersOf('src/core')].filter((room) => !picture.includes(room))
    expect(rooms).toEqual([])
  })

  test('name only commands that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const documents = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: root })
    const named = documents.flatMap((document) => [...read(document).matchAll(/\bnpm run ([\w:]+)/g)])
    expect(named.length).toBeGreaterThan(10)
    expect(named.map(([, script]) => script!).filter((script) => !(script in scripts))).toEqual([])
  })
})

describe('the first change of CONTRIBUTING.md', () => {
  const [, session] = read('CONTRIBUTING.md').split(/\n## A first change[^\n]*\n|\n## Debug a worker\n/)
  /** The lines that it types, in their order; without the new field they stand in the file. */
  const typed = [...session!.matchAll(/```(?:ts|js|html)\n([\s\S]*?)```/g)].flatMap(([, code]) =>
    code!.trimEnd().split('\n'),
  )
  const before = typed
    .filter((line) => !/^\s*\[?['"<]?.*[sS]ubtitle.*/.test(line) || /subtitle(?: = '')?, body/.test(line))
    .map((line) => line.replace(/ subtitle(?: = '')?,/, ''))
  const sources = ['src/core/model/notification.ts', 'src/pages/items.js'].map(read).join('\n')

  test('begins with lines that are there', () => {
    expect(before.length).toBeGreaterThanOrEqual(4)
    expect(before.filter((line) => !sources.includes(line))).toEqual([])
  })

  test('adds a field that nobody has added yet', () => {
    expect(sources).not.toContain('subtitle')
    expect(read('test/api/routes/notify.test.ts')).toContain("test('every content field arrives'")
    expect(read('test/api/routes/notify.test.ts')).toContain("['a long body', '/body'")
    expect(read('src/api/schemas/notification.ts')).toMatch(/^const fields = \{$/m)
    expect(read('src/pages/demo.html')).toContain('<p class="title"></p>')
  })
})
