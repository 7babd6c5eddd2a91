import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, watchErrors } from '../support/programs/browser.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'

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
    expect(await first.locator('#toasts .item').count()).toBe(1)
    await run('php', ['examples/php/notify.php', 'eve', 'For Eve', 'only'], { env })
    await shows(other, 'For Eve')
    expect(await titlesOn(other)).toEqual(['For Eve'])
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

describe('what the development page shows', () => {
  let server: Tabcast
  let headers: Record<string, string>
  beforeAll(async () => {
    server = await startTabcast({}, { bare: true })
    headers = { authorization: `Bearer ${await keyOf(server)}`, 'content-type': 'application/json' }
  })
  afterAll(() => server.kill())

  const post = (path: string, body: object, more: Record<string, string> = {}): Promise<Response> =>
    fetch(server.url + path, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) })
  const textsOf = (page: Page, selector: string): Promise<string[]> =>
    page.locator(selector).allTextContents()
  const toasts = (page: Page, ...titles: string[]): Promise<unknown> =>
    page.waitForFunction(
      (wanted) =>
        JSON.stringify([...document.querySelectorAll('#toasts .title')].map((one) => one.textContent)) ===
        wanted,
      JSON.stringify(titles),
    )

  test('what it has shown is delivered', async () => {
    const page = await open(server.url, 'dora')
    const answer = await post('/notify/dora', { title: 'Are you there?' }, { prefer: 'wait=10' })
    expect(await answer.json()).toMatchObject({ delivered: true })
    await shows(page, 'Are you there?')
  })

  test('a connection that the server has ended is shown as such, and can be begun again', async () => {
    const page = await open(server.url, 'paul')
    await post('/users/paul/disconnect', {})
    await page.locator('#status', { hasText: 'The server has ended this connection.' }).waitFor()
    await post('/notify/paul', { title: 'While you were away' })
    expect(await titlesOn(page)).toEqual([])
    await page.click('#status button')
    await shows(page, 'While you were away')
    expect(await page.textContent('#status')).toBe('Connected as paul')
  })

  test('a task has one toast, which goes on with the list', async () => {
    const page = await open(server.url, 'tina')
    const progress = (value: number, status = 'running') =>
      post('/notify/tina', {
        title: `At ${value}`,
        tag: 'task',
        progress: { status, value, max: 100 },
      })
    await progress(1)
    await toasts(page, 'At 1')
    await progress(40)
    await toasts(page, 'At 40')
    await progress(100, 'succeeded')
    await toasts(page, 'At 100')
    expect(await titlesOn(page)).toEqual(['At 100'])
    await fetch(`${server.url}/notify/tina/task`, {
      method: 'DELETE',
      headers: { authorization: headers.authorization! },
    })
    await toasts(page)
  })

  test('three toasts are there at most, and none over a button where the window is wide', async () => {
    const page = await open(server.url, 'olga')
    await page.setViewportSize({ width: 1280, height: 800 })
    for (const title of ['A', 'B', 'C', 'D']) await post('/notify/olga', { title })
    await toasts(page, 'B', 'C', 'D')
    const left = (await page.locator('#toasts').boundingBox())!.x
    for (const button of await page.locator('main button').all()) {
      const { x, width } = (await button.boundingBox())!
      expect(x + width).toBeLessThan(left)
    }
  })

  test('on a phone the button that sends is as wide as its row, with an answer beside it and without', async () => {
    const page = await open(server.url, 'phil')
    await page.setViewportSize({ width: 390, height: 844 })
    const widthOf = async (selector: string): Promise<number> =>
      (await page.locator(selector).boundingBox())!.width
    const row = await widthOf('.row.end')
    expect(await widthOf('#send')).toBe(row)
    await page.click('#send')
    await shows(page, 'Your export is ready')
    expect(await widthOf('#send')).toBe(row)
  })

  test('what has no title is headed by its text or type, and what was replaced has the time of its update', async () => {
    const page = await open(server.url, 'nora')
    await post('/notify/nora', { body: 'Only a text' })
    await post('/notify/nora', { type: 'export.finished', data: { rows: 3 } })
    await page.locator('#inbox .title', { hasText: 'export.finished' }).waitFor()
    expect(await titlesOn(page)).toEqual(['export.finished', 'Only a text'])
    expect(await textsOf(page, '#inbox .body')).toEqual(['{"rows":3}', ''])

    const times = { createdAt: '2026-01-01T08:00:00.000Z', updatedAt: '2026-01-01T09:30:00.000Z' }
    const meta = await page.evaluate(
      `import('/demo/items.js').then(({ render }) => render(${JSON.stringify(times)}).querySelector('.meta').textContent)`,
    )
    expect(meta).toContain(':30:00')
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
