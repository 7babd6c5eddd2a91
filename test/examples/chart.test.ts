import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { areListening } from '../bridges/listening.ts'
import { type ExamplePages, isConnected, shows, startExamplePages } from '../support/example-pages.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'

const run = promisify(execFile)
const SERVER = `${process.execPath} examples/chart/server.mjs`

let redis: RedisServer
let tabcast: Tabcast
let pages: ExamplePages

beforeAll(async () => {
  redis = await startRedis({ password: 'a password' })
  tabcast = await startTabcast({ REDIS_URL: redis.url, BRIDGE_SOCKETIO_EMITTER: 'socket.io' })
  const env = { TABCAST_URL: tabcast.url, TABCAST_KEY: tabcast.apiKey }
  pages = await startExamplePages(SERVER, { tabcastPort: tabcast.port, env })
  await areListening(redis, 1)
}, 30_000)

afterEach(() => pages.close())

afterAll(async () => {
  await pages?.stop()
  await tabcast?.kill()
  await redis?.stop()
})

async function open(): Promise<Page> {
  const page = await pages.open('/')
  await isConnected(page)
  return page
}

const push = (data: string, env: Record<string, string> = {}) =>
  run('sh', ['examples/chart/push.sh', data], {
    env: { ...process.env, TABCAST_URL: tabcast.url, TABCAST_KEY: tabcast.apiKey, ...env },
  })

const emit = (data: string) =>
  run(process.execPath, ['examples/chart/emit.mjs', data], { env: { ...process.env, REDIS_URL: redis.url } })

const dataOf = (...labels: string[]): string =>
  JSON.stringify({ labels, values: labels.map((_, index) => 10 + index) })

/** The labels of the bars. */
const draws = (page: Page, label: string): Promise<void> => shows(page, '#chart text', label)

test('a push is drawn in every page, in place; a page that is opened later begins with it', async () => {
  const early = await Promise.all([open(), open()])
  expect(await early[0].locator('#chart > *').count()).toBe(0)
  await push(dataOf('Mon', 'Tue'))
  await Promise.all(early.map((page) => draws(page, 'Tue')))

  const drawing = await early[0].locator('#chart svg').elementHandle()
  await push(dataOf('Wed', 'Thu', 'Fri'))
  await Promise.all(early.map((page) => draws(page, 'Fri')))
  for (const page of early) {
    expect(await page.locator('#chart svg').count()).toBe(1)
    expect(await page.locator('#chart').getByText('Mon', { exact: true }).count()).toBe(0)
    expect(await page.textContent('#caption')).toMatch(/^New data, /)
  }
  expect(await drawing?.evaluate((svg) => svg.isConnected)).toBe(true)

  const late = await open()
  await draws(late, 'Fri')
  expect(await late.textContent('#caption')).toMatch(/^Initial data, /)
  expect(await pages.close()).toEqual([])
}, 30_000)

test('what an emitter in another process sends is drawn in the open pages, and not kept', async () => {
  await push(dataOf('stored'))
  const [ada, bob] = await Promise.all([open(), open()])
  await Promise.all([draws(ada, 'stored'), draws(bob, 'stored')])
  await emit(dataOf('live'))
  await Promise.all([draws(ada, 'live'), draws(bob, 'live')])
  await draws(await open(), 'stored')
  expect(await pages.close()).toEqual([])
}, 30_000)

test('a wrong key is an error for the sender, and for the page that gets no token', async () => {
  const wrong = { TABCAST_URL: tabcast.url, TABCAST_KEY: 'wrong-key-that-nobody-ever-made' }
  await expect(push(dataOf('Mon'), wrong)).rejects.toMatchObject({ stdout: expect.stringMatching(/API key/) })
  const locked = await startExamplePages(SERVER, { tabcastPort: tabcast.port, env: wrong })
  try {
    const page = await pages.open(locked.url)
    await page.locator('#status').getByText('Tabcast gives no token').waitFor()
  } finally {
    await locked.stop()
  }
}, 30_000)
