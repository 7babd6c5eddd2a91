import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Publisher } from '../../src/core/publishing/publisher.ts'
import { welcome } from '../../src/development/welcome.ts'
import { KEY, startApi, testTokens } from '../support/api.ts'
import { launchBrowser, watchErrors } from '../support/programs/browser.ts'

/** Number of operations in a description: none may be hidden on the page. */
const described = ({ paths = {} }: { paths?: Record<string, unknown> }): number =>
  Object.values(paths).flatMap((path) => Object.keys(path as object)).length

test('in development every example of Swagger UI answers 2xx on the first click', {
  timeout: 120_000,
}, async () => {
  const { sign } = await testTokens()
  const { api, engine } = await startApi({
    demo: {
      role: 'all',
      apiKey: KEY,
      socketPath: '/socket.io/',
      mint: (user) => sign({ user, ttl: 3600 }).token,
      peers: async () => [],
    },
  })
  await welcome(new Publisher(engine))
  await api.listen({ port: 0 })
  const browser = await launchBrowser()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const errors: string[] = []
  watchErrors(page, errors)

  const settings = page.waitForResponse(/\/demo\/session/)
  await page.goto(`http://localhost:${(api.server.address() as AddressInfo).port}/docs`)
  expect((await settings).status()).toBe(200)
  // A closed lock: the key has been handed over.
  await page.locator('.authorization__btn .locked').first().waitFor()

  // The webhooks at the end are for reading: it is Tabcast that calls them.
  const operations = await page.locator('.opblock:not(.webhooks .opblock)').all()
  expect(operations.length).toBe(described(api.swagger()))
  for (const operation of operations) {
    await operation.locator('.opblock-summary-control').click()
    const answer = page.waitForResponse((response) => !/docs|openapi|demo\/session/.test(response.url()))
    await operation.locator('button.execute').click()
    const response = await answer
    const seen = `${response.status()} ${response.url()} ${await response.text()}`
    expect(seen).toMatch(/^2/)
    // What stands open makes the page slow; nobody asks how it is closed.
    await operation.locator('.opblock-summary-control').dispatchEvent('click')
  }
  expect(errors).toEqual([])
})
