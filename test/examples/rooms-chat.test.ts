import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type ExamplePages, isConnected, shows, startExamplePages } from '../support/example-pages.ts'
import { type Nginx, startNginx } from '../support/programs/nginx.ts'
import { startProxy, type TcpProxy } from '../support/programs/proxy.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { until } from '../support/until.ts'

const SERVER = `${process.execPath} examples/rooms-chat/server.mjs`
const secrets = { API_KEYS: `test:${'k'.repeat(40)}`, JWT_SECRET: 'r'.repeat(40) }

let redis: RedisServer
let machines: [Tabcast, Tabcast]
let nginx: Nginx
let otherNetwork: TcpProxy
/** The pages of people in one network, which `ip_hash` leads to the first machine; and of another, led to the second. */
let near: ExamplePages
let far: ExamplePages

beforeAll(async () => {
  redis = await startRedis()
  const env = { REDIS_URL: redis.url, WORKERS: '2', LOG_LEVEL: 'info', ...secrets }
  machines = await Promise.all([startTabcast(env), startTabcast(env)])
  const [first, second] = machines.map(({ port }) => `127.0.0.1:${port}`) as [string, string]
  nginx = await startNginx({ 'api:3000': first, 'worker1:3000': first, 'worker2:3000': second })
  otherNetwork = await startProxy(nginx.port, '127.0.1.1')
  const backend = { TABCAST_URL: nginx.url, TABCAST_KEY: machines[0].apiKey }
  near = await startExamplePages(SERVER, { tabcastPort: nginx.port, env: backend })
  far = await startExamplePages(SERVER, { tabcastPort: otherNetwork.port, env: backend })
}, 60_000)

afterEach(async () => {
  await near.close()
  await far.close()
})

afterAll(async () => {
  await Promise.all([near?.stop(), far?.stop()])
  await otherNetwork?.close()
  await nginx?.stop()
  await Promise.all(machines?.map((machine) => machine.kill()) ?? [])
  await redis?.stop()
})

async function join(pages: ExamplePages, roomid: string, name: string): Promise<Page> {
  const page = await pages.open(`/?roomid=${roomid}`)
  await page.fill('#name', name)
  await page.click('#join button')
  await isConnected(page)
  await page.locator('#people').getByText(name).waitFor()
  return page
}

async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text)
  await page.click('#say button')
}

const here = (page: Page, people: string): Promise<void> => shows(page, '#people', people)
const tells = (page: Page, line: string): Promise<void> => shows(page, '#log li:not([aria-busy]) span', line)

/** Messages on a page, the oldest first. */
const saidOn = (page: Page): Promise<string[]> =>
  page
    .locator('#log li:has(strong)')
    .evaluateAll((items) =>
      items
        .map((item) => [...item.querySelectorAll('strong, span')].map((part) => part.textContent).join(': '))
        .reverse(),
    )

/** The connections of each process, as a parent last logged them. */
function loggedBy(machine: Tabcast): number[] {
  const counts = machine.output().match(/"workers":\{[^}]*\}/g)
  return Object.values(JSON.parse(counts!.at(-1)!.slice('"workers":'.length)))
}

test('everybody in a room sees who joins, what is said and who leaves, on whichever machine they are; others do not', async () => {
  const ada = await join(near, 'tea', 'ada')
  const bob = await join(far, 'tea', 'bob')
  const eve = await join(near, 'coffee', 'eve')
  const inTea = [ada, bob]
  await tells(ada, 'bob joined')
  await Promise.all(inTea.map((page) => here(page, '2 here: ada, bob')))
  await here(eve, '1 here: eve')

  await say(ada, 'Grüße & <b>tea</b>?')
  await Promise.all(inTea.map((page) => tells(page, 'Grüße & <b>tea</b>?')))
  await say(bob, 'Please')
  await say(eve, 'Anybody?')
  await Promise.all(inTea.map((page) => tells(page, 'Please')))
  await tells(eve, 'Anybody?')
  for (const page of inTea) expect(await saidOn(page)).toEqual(['ada: Grüße & <b>tea</b>?', 'bob: Please'])
  expect(await saidOn(eve)).toEqual(['eve: Anybody?'])

  // One who comes later reads what was said.
  const cy = await join(near, 'tea', 'cy')
  await tells(cy, 'Please')
  expect(await saidOn(cy)).toEqual(['ada: Grüße & <b>tea</b>?', 'bob: Please'])

  // Each parent has logged how many connections its processes have.
  const counts = async (): Promise<boolean> => {
    const [first, second] = machines.map(loggedBy)
    return first!.length === 2 && first![0]! + first![1]! === 3 && second![0]! + second![1]! === 1
  }
  await until(counts, 10_000)

  await bob.click('#leave')
  await Promise.all([ada, cy].map((page) => tells(page, 'bob left')))
  await here(ada, '2 here: ada, cy')
  expect(await near.close()).toEqual([])
  expect(await far.close()).toEqual([])
}, 60_000)

test('what was said while a page had no network is shown when it has it again, and what it said itself is said once', async () => {
  const ada = await join(near, 'cut', 'ada')
  const bob = await join(far, 'cut', 'bob')
  await say(ada, 'One')
  await tells(bob, 'One')
  const broken = { status: 502, body: 'Not now' }
  await bob.route('**/token?*', (route) => route.fulfill(broken), { times: 1 })
  otherNetwork.refuse(true)
  otherNetwork.cut()
  await bob.locator('#status').getByText('Not connected').waitFor()
  await say(ada, 'Two')
  await say(bob, 'Three')
  await tells(ada, 'Two')
  otherNetwork.refuse(false)
  await shows(bob, '#status', 'Not connected: Not now')
  await Promise.all([ada, bob].map((page) => tells(page, 'Three')))
  for (const page of [ada, bob]) expect(await saidOn(page)).toEqual(['ada: One', 'ada: Two', 'bob: Three'])
}, 60_000)

test('what was typed while Redis is away is shown as being sent until it is said, and what is refused is kept with the reason', async () => {
  const ada = await join(near, 'away', 'ada')
  redis.pause()
  try {
    await say(ada, 'Patience')
    await ada.locator('#log li[aria-busy]', { hasText: 'Patience' }).getByText('Sending …').waitFor()
    expect(await saidOn(ada)).toEqual([])
  } finally {
    redis.resume()
  }
  await ada.locator('#log li:has(strong)', { hasText: 'Patience' }).waitFor()
  await ada.locator('#log li[aria-busy]').waitFor({ state: 'detached' })
  expect(await saidOn(ada)).toEqual(['ada: Patience'])

  await ada.evaluate(`document.getElementById('text').removeAttribute('maxlength')`)
  await say(ada, 'x'.repeat(4001))
  const refused = ada.locator('#log li', { hasText: 'x'.repeat(4001) })
  await refused.getByText(/^Not said: .*4000/).waitFor()
  expect(await refused.getAttribute('aria-busy')).toBeNull()
}, 60_000)

test('a room named by a pattern is refused, and so is a name that Tabcast does not take', async () => {
  const page = await near.open('/?roomid=*')
  await page.fill('#name', 'eve')
  await page.click('#join button')
  await shows(page, '#status', 'A room is named by letters, digits, - and _')
  expect(await page.locator('#chat').isVisible()).toBe(false)

  const tokenFor = (query: string): Promise<Response> => fetch(`${near.url}/token?${query}`)
  expect((await tokenFor(`name=eve&roomid=${'x'.repeat(50)}`)).status).toBe(200)
  expect((await tokenFor(`name=eve&roomid=${'x'.repeat(51)}`)).status).toBe(400)
  expect((await tokenFor('name=&roomid=tea')).status).toBe(400)
}, 60_000)
