import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { areListening } from '../bridges/listening.ts'
import { type ExamplePages, isConnected, shows, startExamplePages } from '../support/example-pages.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'

let redis: RedisServer
let env: Record<string, string>
let tabcast: Tabcast
let pages: ExamplePages

beforeAll(async () => {
  redis = await startRedis()
  env = {
    REDIS_URL: redis.url,
    BRIDGE_REDIS_PUBLISH: '[{"channel": "channel:*", "room": "*"}]',
    ANONYMOUS: 'on',
    PUBLIC_ROOMS: '*',
  }
  tabcast = await startTabcast(env)
  pages = await startExamplePages('python3 -m http.server 8080 --bind 127.0.0.1 --directory examples', {
    tabcastPort: tabcast.port,
  })
  await areListening(redis, 1)
}, 30_000)

afterEach(() => pages.close())

afterAll(async () => {
  await pages?.stop()
  await tabcast?.kill()
  await redis?.stop()
})

async function open(): Promise<Page> {
  const page = await pages.open('/monitor/')
  await isConnected(page)
  return page
}

async function subscribe(page: Page, channel: string): Promise<void> {
  await page.fill('#channel', channel)
  await page.click('#subscribe button')
  await shows(page, '#answer', `OK, ${channel} is subscribed`)
}

const publish = (channel: string, message: string): Promise<string> =>
  redis.cli('publish', `channel:${channel}`, message)

/** The messages on a page, the oldest first. */
const messagesOn = async (page: Page): Promise<string[]> =>
  (await page.locator('#messages span').allTextContents()).reverse()

test('what redis-cli publishes on a channel is shown where it is subscribed, until it is no longer', async () => {
  const [ada, bob, eve] = await Promise.all([open(), open(), open()])
  await Promise.all([subscribe(ada, 'build'), subscribe(bob, 'build'), subscribe(eve, 'deploy')])
  await Promise.all([ada, bob, eve].map((page) => subscribe(page, 'end')))

  await publish('build', 'passed')
  await publish('build', '{"seconds": 42}')
  await Promise.all([ada, bob].map((page) => shows(page, '#messages span', '{"seconds":42}')))
  await bob.locator('#channels li', { hasText: 'build' }).getByRole('button').click()
  await shows(bob, '#answer', 'OK, build is not subscribed any more')
  await publish('build', 'failed')
  await publish('end', 'over')
  await Promise.all([ada, bob, eve].map((page) => shows(page, '#messages span', 'over')))

  expect(await messagesOn(ada)).toEqual(['passed', '{"seconds":42}', 'failed', 'over'])
  expect(await messagesOn(bob)).toEqual(['passed', '{"seconds":42}', 'over'])
  expect(await messagesOn(eve)).toEqual(['over'])
  expect(await bob.locator('#channels strong').allTextContents()).toEqual(['end'])
  expect(await pages.close()).toEqual([])
}, 30_000)

test('a refusal is shown instead of an OK', async () => {
  const page = await open()
  await page.fill('#channel', 'x'.repeat(257))
  await page.click('#subscribe button')
  await shows(page, '#answer', 'the room must have at most 256 characters')
  expect(await page.locator('#channels li').count()).toBe(0)
}, 30_000)

test('the channels are subscribed again after Tabcast was away', async () => {
  const page = await open()
  await subscribe(page, 'build')
  await tabcast.kill()
  await page.locator('#status').getByText('Not connected').waitFor()
  tabcast = await startTabcast(env, { port: tabcast.port })
  await areListening(redis, 1)
  await isConnected(page)
  await shows(page, '#answer', 'OK, build is subscribed')
  await publish('build', 'and again')
  await shows(page, '#messages span', 'and again')
}, 30_000)
