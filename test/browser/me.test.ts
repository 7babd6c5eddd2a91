import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { launchBrowser } from '../support/programs/browser.ts'

test('a page on another origin lists, marks and removes, and reads why it was refused', async () => {
  const app = await startApp()
  const browser = await launchBrowser()
  try {
    const { id } = await app.notify('ada', { title: 'Hello' })
    const page = await browser.newPage()
    await page.goto(app.url.replace('127.0.0.1', 'localhost'))
    const call = (path: string, method: string, body?: object, token = app.token('ada')) =>
      page.evaluate(
        async ({ url, method, body, token }) => {
          const response = await fetch(url, {
            method,
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          })
          const text = await response.text()
          return { status: response.status, json: text === '' ? undefined : JSON.parse(text) }
        },
        { url: `${app.url}/me/notifications${path}`, method, body, token },
      )
    expect(await call('', 'GET')).toMatchObject({ status: 200, json: { items: [{ id }], unread: 1 } })
    expect(await call('/mark', 'POST', { ids: [id], read: true })).toMatchObject({ json: { unread: 0 } })
    expect(await call(`/${id}`, 'DELETE')).toEqual({ status: 204 })
    expect(await call('', 'GET', undefined, 'wrong')).toMatchObject({
      status: 401,
      json: { code: 'token_invalid' },
    })
  } finally {
    await browser.close()
    await app.close()
  }
})
