import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { areListening } from '../bridges/listening.ts'
import { type ExamplePages, isConnected, shows, startExamplePages } from '../support/example-pages.ts'
import { type RedisServer, startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'

const run = promisify(execFile)

/** Debian's, which has Debian's packages, whatever else is on the PATH. */
const PYTHON = '/usr/bin/python3'

let redis: RedisServer
let tabcast: Tabcast
let pages: ExamplePages

beforeAll(async () => {
  redis = await startRedis()
  tabcast = await startTabcast({
    REDIS_URL: redis.url,
    BRIDGE_REDIS_PUBLISH: '[{"channel": "chat", "room": "chat", "event": "msgReceived"}]',
    JOIN_ROOMS: 'chat',
    ANONYMOUS: 'on',
  })
  pages = await startExamplePages('python3 -m http.server 8080 --bind 127.0.0.1 --directory examples', {
    tabcastPort: tabcast.port,
  })
  await areListening(redis, 1)
}, 30_000)

afterAll(async () => {
  await pages?.stop()
  await tabcast?.kill()
  await redis?.stop()
})

test('every open page shows what redis-cli and Python publish', async () => {
  const open = await Promise.all([1, 2, 3].map(() => pages.open('/redis-chat/')))
  await Promise.all(open.map(isConnected))

  await redis.cli('publish', 'chat', '1234567890')
  await redis.cli('publish', 'elsewhere', 'not for the chat')
  const env = { ...process.env, REDIS_URL: redis.url }
  await run(PYTHON, ['examples/redis-chat/send.py', 'Grüße from "Python" & <b>friends</b>'], { env })

  for (const page of open) {
    await shows(page, '#messages li', 'Grüße from "Python" & <b>friends</b>')
    expect(await page.locator('#messages li').allTextContents()).toEqual([
      'Grüße from "Python" & <b>friends</b>',
      '1234567890',
    ])
  }
  expect(await pages.close()).toEqual([])
}, 30_000)

test('called wrongly, the sender says how to call it', async () => {
  await expect(run(PYTHON, ['examples/redis-chat/send.py'])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Usage:'),
  })
})
