import type { AddressInfo } from 'node:net'
import { chromium } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { createTokenSigner } from '../../src/api/token-signer.ts'
import { KEY, SECRET, startApi } from '../support/api.ts'

test('in development every example of Swagger UI answers 2xx on the first click', {
  timeout: 60_000,
}, async () => {
  const sign = createTokenSigner([SECRET])!
  const { api } = await startApi({
    demo: { role: 'all', apiKey: KEY, mint: (user) => sign({ user, ttl: 60 }).token, peers: async () => [] },
  })
  await api.listen({ port: 0 })
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.message))

  page.on('response', (r) => { if (!r.ok()) console.log('NOT OK', r.status(), r.request().method(), r.url(), JSON.stringify(r.request().headers()).slice(0, 200)) })
  const session = page.waitForResponse(/\/demo\/session/)
  await page.goto(`http://localhost:${(api.server.address() as AddressInfo).port}/docs`)
  expect((await session).status()).toBe(200)
  // A closed lock: the key has been handed over.
  await page.locator('.authorization__btn .locked').first().waitFor()

  const operations = await page.locator('.opblock').all()
  expect(operations.length).toBe(10)
  for (const operation of operations) {
    await operation.locator('.opblock-summary-control').click()
    const answer = page.waitForResponse((response) => !/docs|openapi|demo\/session/.test(response.url()))
    await operation.locator('button.execute').click()
    const response = await answer
    expect([response.url(), response.ok()]).toEqual([response.url(), true])
  }
  expect(errors).toEqual([])
})
