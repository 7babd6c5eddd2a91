import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, watchErrors } from '../support/programs/browser.ts'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'

describe('the inbox button of the development page', () => {
  let browser: Browser
  let server: Tabcast
  let way: TcpProxy
  let apiKey: string
  let contexts: BrowserContext[]
  let errors: string[]
  beforeAll(async () => {
    ;[browser, server] = await Promise.all([launchBrowser(), startTabcast({}, { bare: true })])
    way = await startProxy(server.port)
    ;({ apiKey } = await (await fetch(`${server.url}/demo/session?user=demo`)).json())
  })
  afterAll(async () => {
    await Promise.all([browser.close(), way.close(), server.kill()])
  })
  beforeEach(() => {
    contexts = []
    errors = []
  })
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()))
  })

  /** A page in a browser context of its own, as on another device. */
  const open = async (user: string, url = server.url): Promise<Page> => {
    const context = await browser.newContext()
    contexts.push(context)
    const page = await context.newPage()
    if (url === server.url) watchErrors(page, errors)
    await page.goto(`${url}/?user=${user}`)
    await page.waitForSelector('#status[data-state=connected]')
    return page
  }
  const notify = async (user: string, notification: object): Promise<void> => {
    const response = await fetch(`${server.url}/notify/${user}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(notification),
    })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  }
  const badge = (page: Page, text: string): Promise<void> =>
    page.locator('#badge', { hasText: new RegExp(`^${text}$`) }).waitFor()
  const noBadge = (page: Page): Promise<void> => page.locator('#badge').waitFor({ state: 'hidden' })

  test('what is marked read in one browser is read in another, and in one that was away', async () => {
    const [first, second, away] = await Promise.all([
      open('ada'),
      open('ada'),
      open('ada', `http://127.0.0.1:${way.port}`),
    ])
    for (const title of ['one', 'two']) await notify('ada', { title })
    await Promise.all([first, second, away].map((page) => badge(page, '2')))
    expect(await second.title()).toMatch(/^\(2\) /)

    way.refuse(true)
    way.cut()
    await away.waitForSelector('#status[data-state=connecting]')
    await first.click('#read-all')
    await Promise.all([noBadge(first), noBadge(second)])
    expect(await second.locator('#inbox .item[data-read]').count()).toBe(2)
    expect(await second.isDisabled('#read-all')).toBe(true)
    await badge(away, '2')
    way.refuse(false)
    await noBadge(away)
    expect(await away.locator('#inbox .item[data-read]').count()).toBe(2)
    expect(errors).toEqual([])

    await notify('ada', { title: 'three' })
    await Promise.all([first, second, away].map((page) => badge(page, '1')))
    // A page that is opened later has the same.
    const later = await open('ada')
    await badge(later, '1')
    expect(await later.locator('#inbox .item[data-read]').count()).toBe(2)
  })

  test('a task has one entry with a bar that moves, and alerts once when it is over', async () => {
    const page = await open('bob')
    const report = (value: number, status = 'running') =>
      notify('bob', { title: 'Export', tag: 'export', progress: { status, value } })
    for (const value of [10, 40, 70]) await report(value)
    await page.locator('#inbox .share', { hasText: '70 %' }).waitFor()
    expect(await page.locator('#inbox progress').getAttribute('value')).toBe('0.7')
    await report(100, 'succeeded')
    await page.locator('#inbox .share', { hasText: 'succeeded' }).waitFor()
    expect(await page.locator('#inbox .item').count()).toBe(1)
    expect(await page.locator('#toasts .share').allTextContents()).toEqual(['succeeded'])
    await badge(page, '1')
    expect(errors).toEqual([])
  })
  test('a task whose worker has died is shown as stale, and comes back with its next update', async () => {
    const page = await open('eve')
    const report = (value: number, staleAfter: number) =>
      notify('eve', { title: 'Export', tag: 'export', progress: { status: 'running', value, staleAfter } })
    await report(10, 60)
    await page.locator('#inbox .share', { hasText: '10 %' }).waitFor()
    expect(await page.locator('#inbox [data-stale]').count()).toBe(0)
    await report(20, 1)
    await page.locator('#inbox [data-stale]', { hasText: 'stale' }).waitFor()
    // It has not moved since: whoever opens the page now sees the same.
    await (await open('eve')).locator('#inbox [data-stale]').waitFor()
    await report(30, 60)
    await page.locator('#inbox .share', { hasText: '30 %' }).waitFor()
    expect(await page.locator('#inbox [data-stale]').count()).toBe(0)
    expect(errors).toEqual([])
  })
})
