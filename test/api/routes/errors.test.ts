import type { FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ERROR_ENTRIES } from '../../../src/core/model/error-help.ts'
import { call, shareApi, startApi } from '../../support/api.ts'
import { launchBrowser, watchErrors } from '../../support/programs/browser.ts'

const shared = shareApi()
const open = { key: undefined }

describe('the page of errors', () => {
  test('is there without a credential, in every role and in production', async () => {
    for (const role of ['all', 'api', 'worker'] as const) {
      const { api } = await startApi({ role, demo: undefined })
      const { status, headers, text } = await call(api, '/errors', open)
      expect([role, status, headers['content-type']]).toEqual([role, 200, 'text/html; charset=utf-8'])
      expect(text).toBe((await call(shared(), '/errors', open)).text)
    }
  })

  test('has an entry for every code, to which its problems lead', async () => {
    const { text } = await call(shared(), '/errors', open)
    const anchors = [...text.matchAll(/<article id="(\w+)">/g)].map(([, id]) => id!)
    expect(anchors.sort()).toEqual(ERROR_ENTRIES.map(({ code }) => code).sort())
    const { json } = await call(shared(), '/nowhere')
    expect(anchors.map((code) => `/errors#${code}`)).toContain(json.type)
  })

  test('escapes what the table says, and leaves nothing of its template', async () => {
    const { text } = await call(shared(), '/errors', open)
    expect(text).toContain('<code>Authorization: Bearer &lt;API key&gt;</code>')
    expect(text).not.toMatch(/<API key>|<!-- |`|<script|undefined/)
  })

  test('looks as it should in a browser that runs no script and is let load nothing', async () => {
    const { api } = await startApi()
    const url = await api.listen({ port: 0 })
    const browser = await launchBrowser()
    onTestFinished(() => browser.close())
    const page = await browser.newPage({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } })
    const errors: string[] = []
    watchErrors(page, errors)
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.goto(`${url}/errors#token_expired`)
    const entry = page.locator('#token_expired')
    // Its own style came through the policy, and it is the entry that is shown.
    expect(await entry.evaluate((element) => getComputedStyle(element).borderTopStyle)).toBe('solid')
    expect((await entry.boundingBox())!.y).toBeLessThan(100)
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBe(320)
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([`${url}/errors`])
    expect(errors).toEqual([])
  })
})

describe('help of a problem', () => {
  const helpOf = async (api: FastifyInstance, host: string, path = '/nowhere') =>
    (await call(api, path, { headers: { host } })).json.help

  test('is below PUBLIC_URL, whatever the request says', async () => {
    const { api } = await startApi({ publicUrl: 'https://push.example/tabcast' })
    const below = 'https://push.example/tabcast/errors'
    expect(await helpOf(api, 'evil.example')).toBe(`${below}#not_found`)
    expect(await helpOf(api, 'evil.example', '/notify/%zz')).toBe(`${below}#malformed_url`)
  })

  test.each(['127.0.0.1:3000', 'push.example', '[::1]:3000'])('is otherwise at the host %s', async (host) => {
    expect(await helpOf(shared(), host)).toBe(`http://${host}/errors#not_found`)
  })

  test.each(['a/b', 'user@host', 'a b', '"><script>', 'host:port'])(
    'is relative where the host is %j',
    async (host) => {
      expect(await helpOf(shared(), host)).toBe('/errors#not_found')
    },
  )
})
