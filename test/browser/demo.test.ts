import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, watchErrors } from '../support/browser.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { startTabcast, type Tabcast } from '../support/tabcast.ts'

const run = promisify(execFile)

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser.close())

let context: BrowserContext
const errors: string[] = []
beforeEach(async () => {
  errors.length = 0
  context = await browser.newContext()
})
afterEach(async () => {
  await context.close()
  expect(errors).toEqual([])
})

const open = async (url: string, user: string, ready = '#status[data-state=connected]'): Promise<Page> => {
  const page = await context.newPage()
  watchErrors(page, errors)
  await page.goto(`${url}/?user=${encodeURIComponent(user)}`)
  await page.waitForSelector(ready)
  return page
}

const titlesOn = (page: Page): Promise<string[]> => page.locator('#inbox .title').allTextContents()
const shows = (page: Page, title: string): Promise<void> =>
  page.locator('#inbox .title', { hasText: title }).first().waitFor()

/** The key of a development server, as its page has it. */
const keyOf = async (server: Tabcast): Promise<string> =>
  ((await (await fetch(`${server.url}/demo/session?user=demo`)).json()) as { apiKey: string }).apiKey

describe('the development page', () => {
  let server: Tabcast
  beforeAll(async () => {
    server = await startTabcast({}, { bare: true })
  })
  afterAll(() => server.kill())

  test('PHP posts: both tabs of the user show it, the tab of another user does not', async () => {
    const [first, second, other] = await Promise.all([
      open(server.url, 'ada'),
      open(server.url, 'ada'),
      open(server.url, 'eve'),
    ])
    const env = { ...process.env, TABCAST_URL: server.url, TABCAST_KEY: await keyOf(server) }
    await run('php', ['examples/php/notify.php', 'ada', 'Your export is ready', '42 rows'], { env })
    await Promise.all([shows(first, 'Your export is ready'), shows(second, 'Your export is ready')])
    await run('php', ['examples/php/notify.php', 'eve', 'For Eve', 'only'], { env })
    await shows(other, 'For Eve')
    expect(await titlesOn(other)).toEqual(['For Eve'])
    expect(await first.locator('#toasts .item').count()).toBe(1)
  })

  test('the welcome is there, the button sends, and the line that it shows works as it stands', async () => {
    const page = await open(server.url, 'demo')
    await shows(page, 'Welcome to Tabcast')
    await page.fill('#title', `It's "quoted" & <b>bold</b>`)
    await page.click('#send')
    await shows(page, `It's "quoted" & <b>bold</b>`)
    await page.fill('#title', `From O'Brien's terminal`)
    await run('bash', ['-c', (await page.textContent('#curl')) ?? ''])
    await shows(page, `From O'Brien's terminal`)
    expect(await page.textContent('#answer')).toMatch(/^Stored as no\. \d+, sent to 1 connection\.$/)
  })

  test('the line that the server prints works as it stands', async () => {
    const page = await open(server.url, 'demo')
    const line = server
      .output()
      .split('\n')
      .find((text) => text.startsWith('curl '))
    await run('bash', ['-c', line!.replace('Your export is ready', 'Printed line')])
    await shows(page, 'Printed line')
  })

  test('a user whose name is strange is a user like any other', async () => {
    const name = `a/b?c#d%e 😀 <i> "q" 'p'`
    const page = await open(server.url, name)
    await page.click('#send')
    await shows(page, 'Your export is ready')
    expect(await page.textContent('#status')).toBe(`Connected as ${name}`)
  })
})

describe('with api and worker apart', () => {
  let redis: RedisServer
  let api: Tabcast
  let worker: Tabcast
  beforeAll(async () => {
    redis = await startRedis()
    const env = { REDIS_URL: redis.url, DATA: `${redis.dir}/tabcast.db` }
    ;[api, worker] = await Promise.all([
      startTabcast({ ...env, ROLE: 'api' }, { bare: true }),
      startTabcast({ ...env, ROLE: 'worker' }, { bare: true }),
    ])
  })
  afterAll(async () => {
    await Promise.all([api.kill(), worker.kill()])
    await redis.stop()
  })

  test("a worker's page names the API, and the line that it shows reaches its tabs", async () => {
    const page = await open(worker.url, 'ada')
    expect(await page.textContent('#curl-hint')).toContain(api.url)
    expect(await page.isDisabled('#send')).toBe(true)
    await run('bash', ['-c', (await page.textContent('#curl')) ?? ''])
    await shows(page, 'Your export is ready')
  })

  test("an API's page leads to the worker", async () => {
    const page = await open(api.url, 'ada', '#status a')
    expect(await page.getAttribute('#status a', 'href')).toBe(`${worker.url}/?user=ada`)
  })
})
