import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { launchBrowser } from '../support/programs/browser.ts'
import { snippetsIn } from '../support/snippets.ts'

const root = new URL('../..', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')

/** A backend that serves the README's page, and gives it tokens; a token that is an error refuses. */
async function serve(html: string, nextToken: () => string | Error): Promise<Server & { url: string }> {
  const server = createServer(({ url }, response) => {
    if (url !== '/tabcast-token') return response.setHeader('content-type', 'text/html').end(html)
    const token = nextToken()
    if (token instanceof Error) return response.writeHead(503).end(token.message)
    return response.end(`${token}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(server, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

describe('README', () => {
  test('is short', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(130)
    expect(readme.split('\n').filter((line) => line.length > 160)).toEqual([])
  })

  describe('the lines for the page', () => {
    const [html] = snippetsIn('README.md', 'html')
    const tokens: (string | Error)[] = []
    let app: TestApp
    let browser: Browser
    let backend: Awaited<ReturnType<typeof serve>>
    const user = (name: string, options = {}): void => void tokens.push(app.token(name, options))
    const next = (): string | Error => (tokens.length > 1 ? tokens.shift()! : tokens[0]!)

    beforeAll(async () => {
      app = await startApp({ JOIN_ROOMS: 'lobby', RETENTION_COUNT: '4' })
      browser = await launchBrowser(Number(new URL(app.url).port))
      backend = await serve(html!, next)
    })
    afterAll(async () => {
      await browser.close()
      backend.close()
      await app.close()
    })

    /** Waits until the page shows these, the newest first, and writes nothing twice. */
    const shows = (page: Page, ...titles: string[]) =>
      page.waitForFunction(
        (wanted) => document.getElementById('list')?.textContent === wanted,
        titles.join('\n'),
      )
    /** Cuts the connection of a page, without a word to it. */
    const cut = async (page: Page): Promise<void> => {
      await page.waitForFunction('socket.connected')
      for (const { conn } of app.io.sockets.sockets.values()) conn.close()
      await page.waitForFunction('!socket.connected')
    }

    test('show what was there and what comes, once each, over a reload with something in between', async () => {
      user('ada')
      await app.notify('ada', { title: 'before' })
      const page = await browser.newPage()
      await page.goto(backend.url)
      await shows(page, 'before')
      const { delivered } = (await app.notify(
        'ada',
        { title: 'live' },
        { prefer: 'wait=10' },
      )) as unknown as {
        delivered: boolean
      }
      expect(delivered).toBe(true)
      await shows(page, 'live', 'before')
      await page.goto('about:blank')
      await app.notify('ada', { title: 'between' })
      await page.goto(backend.url)
      await shows(page, 'between', 'live', 'before')
      await app.notify('ada', { title: 'after' })
      await shows(page, 'after', 'between', 'live', 'before')
      await page.close()
    })

    test('lose nothing to what is published while they load', async () => {
      tokens.length = 0
      user('bea')
      const page = await browser.newPage()
      await page.route('**/me/notifications*', async (route) => {
        const inbox = await route.fetch({
          url: route.request().url().replace('http://127.0.0.1:3000', app.url),
        })
        await app.notify('bea', { title: 'meanwhile' })
        await route.fulfill({ response: inbox })
      })
      await page.goto(backend.url)
      await shows(page, 'meanwhile')
      await page.close()
    })

    test('go on after a token that could not be had, one that has expired, and lost connections', async () => {
      tokens.length = 0
      tokens.push(new Error('the backend is away'))
      user('cat', { ttl: -1 })
      user('cat')
      await app.notify('cat', { title: 'one' })
      const page = await browser.newPage()
      await page.goto(backend.url)
      await shows(page, 'one')
      // The connection is refused for its token, and not the inbox.
      tokens.unshift(app.token('cat', { ttl: -1 }))
      await cut(page)
      await app.notify('cat', { title: 'two' })
      await shows(page, 'two', 'one')
      // Neither a room's position nor what is not stored is the place to go on from.
      await app.message('lobby', { body: 'Hello' })
      await app.notify('cat', { title: 'not stored', ttl: 0 })
      await shows(page, 'not stored', 'two', 'one')
      await cut(page)
      await app.notify('cat', { title: 'three' })
      await shows(page, 'three', 'not stored', 'two', 'one')
      await page.close()
    })

    test('begin again with the inbox where the log no longer reaches back', async () => {
      tokens.length = 0
      user('dan')
      await app.notify('dan', { title: 'old' })
      const page = await browser.newPage()
      await page.goto(backend.url)
      await shows(page, 'old')
      tokens.unshift(new Error('not yet'))
      await cut(page)
      for (const title of ['1', '2', '3', '4', '5']) await app.notify('dan', { title })
      await shows(page, '5', '4', '3', '2')
      await page.close()
    })

    test('say why a page is refused for good', async () => {
      tokens.length = 0
      user('eve')
      await app.notify('eve', { title: 'one' })
      const page = await browser.newPage()
      await page.goto(backend.url)
      await shows(page, 'one')
      const said = page.waitForEvent('console', (message) => message.text().startsWith('Refused for good:'))
      tokens.unshift(app.token('eve').slice(0, -3))
      await cut(page)
      await said
      await page.close()
    })
  })

  test('the commands for backends work as they stand', async () => {
    const app = await startApp()
    try {
      const commands = snippetsIn('README.md', 'sh').filter((lines) => /\$TABCAST_URL|examples\//.test(lines))
      expect(commands.length).toBe(4)
      const env = { ...process.env, TABCAST_URL: app.url, TABCAST_KEY: app.apiKey, FOLDER: '' }
      const { stdout: folder } = await promisify(execFile)('mktemp', ['-d'])
      for (const lines of commands) {
        const script = lines
          .replace(/^export TABCAST_URL.*\n/, '')
          .replace('> tabcast-token', `> ${folder.trim()}/tabcast-token`)
          .replace(/^python3 -m http\.server.*\n/m, '')
        await promisify(execFile)('bash', ['-ec', script], { cwd: root.pathname, env })
      }
      const token = readFileSync(`${folder.trim()}/tabcast-token`, 'utf8').trim()
      const answer = await fetch(`${app.url}/me/notifications`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const { items } = (await answer.json()) as { items: { title: string; body?: string }[] }
      expect(items.slice(0, 5).map(({ title, body = '' }) => `${title} ${body}`.trim())).toEqual([
        'Exporting',
        ...Array(3).fill('Your export is ready 42 rows'),
        'Your export is ready 1,204 rows',
      ])
    } finally {
      await app.close()
    }
  })
})
