import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { environmentSchema, VARIABLES } from '../../src/config/variables.ts'
import { startApp } from '../support/app.ts'
import { launchBrowser } from '../support/programs/browser.ts'
import { snippetsIn } from '../support/snippets.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

describe('README', () => {
  test('has every variable of the configuration, with its default and meaning, and no other', () => {
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$/gm)].map(([, ...cells]) => cells)
    const bare = (text: string): string => text.replace(/^`([^`]*)`$/, '$1')
    expect(rows.map(([name, shown, meaning]) => [name, bare(shown!), meaning])).toEqual(
      VARIABLES.map(({ name, default: shown, meaning }) => [name, bare(shown), meaning]),
    )
  })

  test('names every value of a variable that has only some', () => {
    const choices = Object.entries(environmentSchema.properties).flatMap(([name, schema]) =>
      'enum' in schema ? [[name, schema.enum] as [string, string[]]] : [],
    )
    expect(choices.map(([name]) => name)).toContain('LOG_LEVEL')
    for (const [name, values] of choices) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
      for (const value of values) expect(row).toContain(`\`${value}\``)
    }
  })

  test('the lines for the page work as they stand, and go on after a lost connection', async () => {
    const app = await startApp({ JOIN_ROOMS: 'lobby' })
    const browser = await launchBrowser()
    try {
      // The lines stand in the page itself, which our own pages do not allow.
      const page = await browser.newPage({ bypassCSP: true })
      await page.goto(app.url)
      await page.addScriptTag({ url: `${app.url}/socket.io/socket.io.min.js` })
      const [notifications, room] = snippetsIn('README.md', 'js')
      await app.message('chart:7', { data: { value: 1 } })
      await app.message('chart:7', { data: { value: 2 } })
      await page.evaluate(
        ({ code, token }) => {
          const shown: string[] = []
          const drawn: unknown[] = []
          Object.assign(window, {
            shown,
            drawn,
            getToken: async () => token,
            show: (title: string) => shown.push(title),
            draw: ({ room, data }: { room: string; data?: { value: number } }) => {
              if (room === 'chart:7') drawn.push(data?.value)
            },
          })
          const script = document.createElement('script')
          script.textContent = code
          document.head.append(script)
        },
        {
          code: `${notifications}${room}`.replaceAll('http://127.0.0.1:3000', app.url),
          token: app.token('ada', { rooms: ['chart:*'] }),
        },
      )
      const holds = (name: string, ...wanted: unknown[]) =>
        page.waitForFunction(
          ([name, wanted]) =>
            JSON.stringify((window as unknown as Record<string, unknown>)[name!]) === wanted,
          [name, JSON.stringify(wanted)],
        )
      const shows = (...titles: string[]) => holds('shown', ...titles)
      // Before anything has come, the page stands at the beginning of its log.
      await page.waitForFunction('position.epoch !== undefined')
      await holds('drawn', 2)
      await app.message('chart:7', { data: { value: 3 } })
      await holds('drawn', 2, 3)
      await page.evaluate('socket.io.engine.close()')
      const waiting = await app.notify('ada', { title: 'one' }, { prefer: 'wait=10' })
      expect(waiting).toMatchObject({ delivered: true })
      await shows('one')
      // Neither a room's position nor what is not stored is the place to go on from.
      await app.message('lobby', { body: 'Hello' })
      await app.notify('ada', { title: 'not stored', ttl: 0 })
      await shows('one', 'not stored')
      await page.evaluate('socket.io.engine.close()')
      await app.message('chart:7', { data: { value: 4 } })
      await app.notify('ada', { title: 'two' })
      await shows('one', 'not stored', 'two')
      await page.waitForFunction('drawn.at(-1) === 4')
    } finally {
      await browser.close()
      await app.close()
    }
  })
})
