import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SCOPES } from '../../src/core/access/scopes.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { snippetsIn } from '../support/snippets.ts'

const run = promisify(execFile)
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

let app: TestApp
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  app = await startApp()
  env = {
    PATH: process.env.PATH,
    TABCAST_URL: app.url,
    TABCAST_KEY: app.apiKey,
    JWT_SECRET: app.jwtSecret,
  }
})
afterAll(() => app.close())

const [keys, mint, revoke] = snippetsIn('docs/access.md', 'sh')

describe.each([
  ['php', (code: string) => ['-r', `${code} echo $token;`]],
  ['python', (code: string) => ['-c', `${code}\nprint(token, end="")`]],
] as const)('the lines of %s', (language, argumentsOf) => {
  const program = language === 'python' ? 'python3' : language
  const [browser, room] = snippetsIn('docs/access.md', language)
  const tokenOf = async (code: string): Promise<string> => {
    const { stdout, stderr } = await run(program, argumentsOf(code), { env })
    expect(stderr).toBe('')
    return stdout
  }

  test('sign a token with which a page connects, hears and speaks as it says, and no more', async () => {
    const tab = await app.tabWith({ token: await tokenOf(browser!), since: {} }).connected()
    expect(await tab.sees('position')).toMatchObject([{ channel: 'user:demo' }])
    expect(await tab.ask('subscribe', 'chat:9')).toMatchObject({ ok: true })
    expect(await tab.ask('publish', 'chat:7', { body: 'Hello' })).toMatchObject({ ok: true })
    expect(await tab.ask('publish', 'chat:9', { body: 'Hello' })).toMatchObject({ ok: false })
    expect(await tab.ask('subscribe', 'team:7')).toMatchObject({ ok: false })
  })

  test('sign a token for one room', async () => {
    const token = await tokenOf(`${browser}\n${room}`)
    const tab = app.tab('demo')
    expect(await tab.ask('subscribe', 'team:7', { token })).toMatchObject({ ok: true })
    expect(await tab.ask('publish', 'team:7', { body: 'Hello' })).toMatchObject({ ok: true })
    await expect(app.tabWith({ token }).connected()).rejects.toMatchObject({
      data: { code: 'token_invalid' },
    })
  })
})

test('the commands make a token, and refuse it again', async () => {
  const { token } = JSON.parse((await run('sh', ['-ec', mint!], { env })).stdout)
  const tab = await app.tabWith({ token }).connected()
  expect(await tab.ask('subscribe', 'chat:9')).toMatchObject({ ok: true })
  const gone = tab.disconnected()
  expect(JSON.parse((await run('sh', ['-ec', revoke!], { env })).stdout)).toEqual({
    user: 'demo',
    revoked: true,
  })
  expect(await gone).toBe('io server disconnect')
  await expect(app.tabWith({ token }).connected()).rejects.toMatchObject({ data: { code: 'token_revoked' } })
})

test('the lines of the shell make a key that may do everything, and one that may do what its scopes say', async () => {
  const { stdout } = await run('sh', ['-ec', `${keys}\necho "$SHOP $REPORTS $API_KEYS"`], { env })
  const [shop, reports, entries] = stdout.trim().split(' ')
  const other = await startApp({ API_KEYS: entries! })
  try {
    for (const [key, status] of [
      [shop, 201],
      [reports, 403],
    ] as const) {
      const headers = { authorization: `Bearer ${key}` }
      expect((await other.post('/notify/demo', { title: 'Hello' }, headers)).status).toBe(201)
      expect((await other.post('/tokens', { user: 'demo' }, headers)).status).toBe(status)
    }
  } finally {
    await other.close()
  }
})

test('the table of scopes has every scope, and the routes that want it', () => {
  const rows = [
    ...read('docs/access.md').matchAll(
      /^\| `([a-z:]+)` \| (.*(?:`(?:GET|POST|PUT|DELETE) |all of them).*) \|$/gm,
    ),
  ]
  expect(rows.map(([, scope]) => scope)).toEqual([...SCOPES])
  const documented = rows.flatMap(([, scope, routes]) =>
    [...routes!.matchAll(/`([A-Z]+ [^`]+)`/g)].map(
      ([, route]) => `${route!.replace(/:tag$/, ':idOrTag')} ${scope}`,
    ),
  )
  const { paths } = parse(read('openapi/openapi.yaml')) as {
    paths: Record<string, Record<string, { description?: string }>>
  }
  const wanted = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { description = '' }]) => {
      const scope = /Wants the scope `([a-z:]+)`/.exec(description)?.[1]
      return scope === undefined
        ? []
        : [`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')} ${scope}`]
    }),
  )
  expect(documented.sort()).toEqual(wanted.sort())
})
