import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ExamplePages, isConnected, shows, startExamplePages } from '../support/example-pages.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'

const run = promisify(execFile)

let tabcast: Tabcast
let pages: ExamplePages

beforeAll(async () => {
  tabcast = await startTabcast({ GET_API: 'on' })
  pages = await startExamplePages('php -S 127.0.0.1:8080 -t examples/php-push/public', {
    tabcastPort: tabcast.port,
    env: { JWT_SECRET: tabcast.jwtSecret },
  })
}, 30_000)

afterEach(() => pages.close())

afterAll(async () => {
  await pages?.stop()
  await tabcast?.kill()
})

async function logIn(name: string, password: string, path = '/'): Promise<Page> {
  const page = await pages.open(path, name)
  await page.fill('[name=name]', name)
  await page.fill('[name=password]', password)
  await page.click('button')
  return page
}

async function open(name: string, path = '/'): Promise<Page> {
  const page = await pages.open(path, name)
  await isConnected(page)
  return page
}

const push = (script: string, ...args: string[]) =>
  run('php', [`examples/php-push/${script}`, ...args], {
    env: { ...process.env, TABCAST_URL: tabcast.url, TABCAST_KEY: tabcast.apiKey },
  })

const showsAll = (windows: Page[], text: string) =>
  Promise.all(windows.map((window) => shows(window, '#messages li', text)))

const messagesOn = (page: Page): Promise<string[]> => page.locator('#messages li').allTextContents()

const linesOf = (text: string): number => pages.output().split(text).length - 1

test('what PHP sends to a user is shown in all windows of that user, one of them by polling only', async () => {
  const [first, bob] = await Promise.all([logIn('ada', 'demo'), logIn('bob', 'demo')])
  await Promise.all([isConnected(first), isConnected(bob)])
  const [second, polling] = await Promise.all([open('ada'), open('ada', '/?polling')])
  const windows = [first, second, polling]
  expect(await second.textContent('#status')).toBe('Connected by websocket')
  expect(await polling.textContent('#status')).toBe('Connected by polling')
  await polling.evaluate(
    'heard = []; show = onPush; onPush = (result) => { heard.push(result); show(result) }',
  )

  const { stdout } = await push('push.php', 'ada', 'Fünf & <b>sechs</b>')
  expect(stdout).toBe('Stored as no. 1, shown in 3 windows\n')
  await showsAll(windows, 'Fünf & <b>sechs</b>')
  await push('push-form.php', 'ada', 'a+b=c & d')
  await showsAll(windows, 'a+b=c & d')
  expect(await polling.evaluate('heard')).toEqual([
    { code: 0, data: 'Fünf & <b>sechs</b>' },
    { code: 0, data: 'a+b=c & d' },
  ])

  await push('push.php', 'bob', 'for Bob')
  await showsAll([bob], 'for Bob')
  expect(await messagesOn(bob)).toEqual(['for Bob'])
  const late = await open('ada')
  await shows(late, '#messages li', 'a+b=c & d')
  expect(await messagesOn(late)).toEqual(['a+b=c & d', 'Fünf & <b>sechs</b>'])

  expect([linesOf('login: ada'), linesOf('login: bob')]).toEqual([1, 1])
  expect([linesOf('connect: ada'), linesOf('connect: bob')]).toEqual([4, 1])
  expect(await pages.close()).toEqual([])
}, 30_000)

test('a window by polling stays one through the login, and a notification with only a title shows it', async () => {
  const page = await logIn('bob', 'wrong', '/?polling')
  await shows(page, '[role=alert]', 'Wrong name or password')
  await page.fill('[name=password]', 'demo')
  await page.click('button')
  await isConnected(page)
  expect(await page.textContent('#status')).toBe('Connected by polling')
  const answer = await fetch(`${tabcast.url}/notify/bob`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tabcast.apiKey}`,
      'content-type': 'application/json',
      prefer: 'wait=10',
    },
    body: '{"title":"Only a title"}',
  })
  expect(await answer.json()).toMatchObject({ delivered: true })
  await shows(page, '#messages li', 'Only a title')
}, 30_000)

test('a window that lost its connection is shown what came meanwhile, once', async () => {
  const page = await logIn('bob', 'demo')
  await isConnected(page)
  await push('push.php', 'bob', 'before')
  await shows(page, '#messages li', 'before')
  await page.evaluate('socket.disconnect()')
  await push('push.php', 'bob', 'meanwhile')
  await page.evaluate('socket.connect()')
  await shows(page, '#messages li', 'meanwhile')
  const shown = await messagesOn(page)
  expect(shown.slice(0, 2)).toEqual(['meanwhile', 'before'])
  expect(new Set(shown).size).toBe(shown.length)
}, 30_000)

test('without the right password there is no page and no token', async () => {
  const page = await logIn('ada', 'wrong')
  await shows(page, '[role=alert]', 'Wrong name or password')
  await page.goto(pages.url)
  expect(page.url()).toBe(`${pages.url}/login.php`)
  expect((await fetch(`${pages.url}/token.php`)).status).toBe(401)
  expect(pages.output()).toContain('login refused: "ada"')
}, 30_000)

test('a token that Tabcast refuses is an error on the page', async () => {
  const page = await logIn('ada', 'demo')
  await isConnected(page)
  await page.evaluate('fetchToken = () => "forged"; socket.disconnect(); socket.connect()')
  await page
    .locator('#status')
    .getByText(/^Not connected: .*token/)
    .waitFor()
}, 30_000)

test.each(['push.php', 'push-form.php'])('%s says what is wrong with a call', async (script) => {
  await expect(push(script, 'ada')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^Usage:/),
  })
  await expect(push(script, 'ada', 'x'.repeat(4001))).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/4000/),
  })
})
