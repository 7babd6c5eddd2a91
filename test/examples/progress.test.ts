import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { snippetsIn } from '../support/snippets.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'

const run = promisify(execFile)
const examples = join(import.meta.dirname, '../../examples')
const ROWS = 200

describe.each([
  ['PHP', ['php', join(examples, 'php/progress.php')]],
  ['Python', ['python3', join(examples, 'python/progress.py')]],
] as [string, [string, string]][])('a task in %s', (language, [program, script]) => {
  let tabcast: Tabcast
  let tab: TestTab
  beforeAll(async () => {
    tabcast = await startTabcast()
    const token = browserToken(tabcast.jwtSecret, { user: language })
    tab = await new TestTab(tabcast.url, { token, since: {} }).connected()
  })
  afterAll(async () => {
    tab.close()
    await tabcast.stop()
  })

  test('shows its progress as one notification, with a few of its many updates, and alerts when it is over', async () => {
    const began = performance.now()
    const env = { PATH: process.env.PATH, TABCAST_URL: tabcast.url, TABCAST_KEY: tabcast.apiKey }
    const { stdout, stderr } = await run(program, [script, language, String(ROWS)], { env })
    const seconds = (performance.now() - began) / 1000
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^export-[0-9a-f]{8} is done\n$/)
    while (tab.all('notification').at(-1)?.progress.status !== 'succeeded')
      await tab.sees('notification', tab.all('notification').length + 1)
    const shown = tab.all('notification')
    expect(new Set(shown.map(({ id }) => id)).size).toBe(1)
    expect(shown.length).toBeLessThanOrEqual(seconds * 4 + 3)
    expect(shown[0].progress).toMatchObject({ status: 'running', value: 0 })
    expect(shown.at(-1)).toMatchObject({
      version: ROWS + 1,
      alert: true,
      unread: 1,
      progress: { value: ROWS, max: ROWS },
    })
    const later = new TestTab(tabcast.url, {
      token: browserToken(tabcast.jwtSecret, { user: language }),
      since: { seq: 0 },
    })
    expect(await later.sees('position')).toMatchObject([{ unread: 1 }])
    expect(later.all('notification')).toMatchObject([{ id: shown[0].id, progress: { status: 'succeeded' } }])
    later.close()
  }, 30_000)
})

/** The lines of the document, between what an application has: the function of the example, rows, and a step that takes its time. */
const loops: [string, (code: string) => [string, string[]]][] = [
  [
    'php',
    (code) => [
      'php',
      [
        '-r',
        `require '${join(examples, 'php/notify.php')}'; $user = 'ada'; $rows = ['a', 'b', 'c'];
        function export($row) { echo $row; } ${code}`,
      ],
    ],
  ],
  [
    'python',
    (code) => [
      'python3',
      [
        '-c',
        `import sys, uuid
sys.path.insert(0, ${JSON.stringify(join(examples, 'python'))})
from notify import notify
user, rows = "ada", ["a", "b", "c"]
export = lambda row: print(row, end="")
${code}`,
      ],
    ],
  ],
]

test.each(loops)(
  'the lines of %s in the document show a task until it is finished',
  async (language, commandOf) => {
    const tabcast = await startTabcast()
    const tab = new TestTab(tabcast.url, { token: browserToken(tabcast.jwtSecret, { user: 'ada' }) })
    try {
      await tab.connected()
      const lines = snippetsIn('docs/notifications.md', language).find((code) => code.includes('staleAfter'))!
      const [program, args] = commandOf(lines)
      const env = { PATH: process.env.PATH, TABCAST_URL: tabcast.url, TABCAST_KEY: tabcast.apiKey }
      expect(await run(program, args, { env })).toEqual({ stdout: 'abc', stderr: '' })
      while (tab.all('notification').at(-1)?.progress.status !== 'succeeded')
        await tab.sees('notification', tab.all('notification').length + 1)
      const shown = tab.all('notification')
      expect(shown[0]).toMatchObject({ version: 0, progress: { status: 'running', value: 0, max: 3 } })
      expect(shown.at(-1)).toMatchObject({
        id: shown[0].id,
        version: 3,
        alert: true,
        progress: { value: 3, max: 3 },
      })
    } finally {
      tab.close()
      await tabcast.stop()
    }
  },
)
