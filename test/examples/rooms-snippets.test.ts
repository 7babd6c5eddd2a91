import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { snippetsIn } from '../support/snippets.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

let app: TestApp
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  app = await startApp()
  env = { PATH: process.env.PATH, TABCAST_URL: app.url, TABCAST_KEY: app.apiKey }
})
afterAll(() => app.close())

const [membership] = snippetsIn('docs/rooms.md', 'sh')
const [php] = snippetsIn('docs/rooms.md', 'php')
const [page] = snippetsIn('docs/rooms.md', 'js')

test('the commands make somebody a member and end it, and their tabs follow', async () => {
  const tab = await app.tab('demo').connected()
  const [put, remove] = membership!.split(/^(?=curl)/m)
  // A tab that still enters the room when the membership ends never hears that it has.
  expect((await run('sh', ['-ec', put!], { env })).stdout).toMatch(/^HTTP\/1\.1 204/)
  expect(await tab.sees('subscribed')).toMatchObject([{ room: 'team:7' }])
  expect((await run('sh', ['-ec', remove!], { env })).stdout).toMatch(/^HTTP\/1\.1 204/)
  expect(await tab.sees('unsubscribed')).toMatchObject([{ room: 'team:7' }])
})

test('the lines of PHP make somebody a member', async () => {
  const tab = await app.tab('grace').connected()
  const code = `$url = getenv('TABCAST_URL'); $key = getenv('TABCAST_KEY'); $user = 'grace'; ${php}`
  expect(await run('php', ['-r', code], { env })).toEqual({ stdout: '', stderr: '' })
  expect(await tab.sees('subscribed')).toMatchObject([{ room: 'team:7' }])
})

test('the lines for the page show everything once and in order, say who is there, and speak', async () => {
  await app.message('team:7', { body: 'before' })
  await app.join('ada', 'team:7', { publish: true })
  let subscribing = Promise.resolve()
  app.io.on('connection', (socket) => {
    socket.use((_event, next) => void subscribing.then(() => next()))
  })
  const tab = app.tab('ada', { reconnection: false })
  const shown: string[] = []
  const { names, say } = new Function('socket', 'show', `${page}; return { names, say }`)(
    tab.socket,
    ({ body }: { body: string }) => shown.push(body),
  )
  await until(async () => shown.length === 1, 5000)
  await app.message('team:7', { body: 'after' })
  await tab.sees('message')

  const lost = tab.disconnected()
  tab.socket.io.engine.close()
  await lost
  await app.message('team:7', { body: 'missed' })
  // A member is in the room before the page has asked.
  const { promise, resolve } = Promise.withResolvers<void>()
  subscribing = promise
  tab.socket.connect()
  await tab.connected()
  await app.message('team:7', { body: 'meanwhile' })
  await tab.sees('message', 2)
  resolve()
  await until(async () => shown.length >= 4, 5000)

  const said = await say('Hello', 'once')
  expect(said).toMatchObject({ ok: true, id: expect.any(String) })
  expect(
    await app.tab('ada').ask('publish', 'team:7', { body: 'Hello' }, { idempotencyKey: 'once' }),
  ).toEqual(said)
  await tab.sees('message', 3)
  expect(shown).toEqual(['before', 'after', 'missed', 'meanwhile', 'Hello'])

  const eve = app.tab('eve', { grants: { rooms: ['team:7'] } })
  await eve.ask('subscribe', 'team:7')
  await until(async () => names.has('ada') && names.has('eve'), 5000)
  eve.close()
  await until(async () => !names.has('eve'), 10_000)
}, 20_000)
