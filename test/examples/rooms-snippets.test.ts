import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { snippetsIn } from '../support/snippets.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

let app: TestApp
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  app = await startApp()
  env = { PATH: process.env.PATH, TABCAST_URL: app.url, TABCAST_KEY: app.apiKey }
})
afterAll(() => app.close())

const [membership] = snippetsIn('docs/rooms.md', 'sh')
const [php] = snippetsIn('docs/rooms.md', 'php')
const [page] = snippetsIn('docs/rooms.md', 'js')

test('the commands make somebody a member and end it, and their tabs follow', async () => {
  const tab = await app.tab('demo').connected()
  const { stdout } = await run('sh', ['-ec', membership!], { env })
  expect(stdout.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 204'])
  expect(await tab.sees('subscribed')).toMatchObject([{ room: 'team:7' }])
  expect(await tab.sees('unsubscribed')).toMatchObject([{ room: 'team:7' }])
})

test('the lines of PHP make somebody a member', async () => {
  const tab = await app.tab('grace').connected()
  const code = `$url = getenv('TABCAST_URL'); $key = getenv('TABCAST_KEY'); $user = 'grace'; ${php}`
  expect(await run('php', ['-r', code], { env })).toEqual({ stdout: '', stderr: '' })
  expect(await tab.sees('subscribed')).toMatchObject([{ room: 'team:7' }])
})

test('the lines for the page read what was said, speak, and follow who is there', async () => {
  await app.message('team:7', { body: 'before' })
  const grants = { rooms: ['team:7'], publish: ['team:7'] }
  const tab = await app.tab('ada', { grants }).connected()
  const shown: string[] = []
  const names = new Set<string>()
  const lines = new Function(
    'socket',
    'show',
    'names',
    'key',
    `return (async () => { ${page}; return { messages, users, count, ok, id, error } })()`,
  )
  const result = await lines(tab.socket, ({ body }: { body: string }) => shown.push(body), names, 'once')
  expect(result).toMatchObject({
    messages: [{ body: 'before' }],
    users: expect.arrayContaining(['ada']),
    count: result.users.length,
    ok: true,
    id: expect.any(String),
  })
  expect(result.error).toBeUndefined()
  const again = await tab.ask('publish', 'team:7', { body: 'Hello' }, { idempotencyKey: 'once' })
  expect(again).toMatchObject({ ok: true, id: result.id })
  await app.tab('eve', { grants }).ask('subscribe', 'team:7')
  await until(async () => names.has('eve'), 5000)
  expect(shown).toEqual(['Hello'])
})
