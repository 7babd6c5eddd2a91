import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { welcome } from '../../../src/development/welcome.ts'
import { call, KEY, SECRET, shareApi, startApi, testTokens } from '../../support/api.ts'
import { browserToken } from '../../support/tokens.ts'

const shared = shareApi()
const file = readFileSync(new URL('../../../openapi/openapi.yaml', import.meta.url), 'utf8')

interface Operation {
  operationId: string
  security?: Record<string, unknown>[]
  parameters?: { name: string; in: string; required: boolean; example?: string }[]
  requestBody?: { content: { 'application/json': { example: unknown } } }
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>
}

const operations = Object.entries(parse(file).paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [method.toUpperCase(), path, operation] as [string, string, Operation],
    ),
)

test('the file is what is served; npm run openapi writes it', async () => {
  await shared().ready()
  expect(shared().swagger({ yaml: true })).toBe(file)
  expect((await call(shared(), '/openapi.json')).json).toEqual(parse(file))
})

test('the file has every route of the contract', () => {
  expect(operations.map(([method, path]) => `${method} ${path}`).sort()).toEqual([
    'DELETE /me/notifications/{idOrTag}',
    'DELETE /notify/{user}/{idOrTag}',
    'DELETE /rooms/{room}/members/{user}',
    'GET /livez',
    'GET /me/notifications',
    'GET /me/notifications/count',
    'GET /metrics',
    'GET /notify/{user}/{idOrTag}',
    'GET /readyz',
    'GET /rooms/{room}/messages',
    'GET /rooms/{room}/presence',
    'GET /users/{user}/presence',
    'POST /me/notifications/mark',
    'POST /notify',
    'POST /notify/{user}',
    'POST /presence',
    'POST /rooms/{room}/messages',
    'POST /tokens',
    'POST /users/{user}/disconnect',
    'PUT /notify/{user}/{idOrTag}',
    'PUT /rooms/{room}/members/{user}',
  ])
})

test.each(operations)(
  '%s %s answers its example with 2xx on the first click',
  async (method, path, operation) => {
    const { api, engine } = await startApi()
    await welcome(new Publisher(engine))
    const ofUser = operation.security?.some((scheme) => 'userToken' in scheme)
    const url = path.replace(/\{(\w+)\}/g, (_, name) => {
      const parameter = operation.parameters?.find((candidate) => candidate.name === name)
      return encodeURIComponent(parameter!.example!)
    })
    const body = operation.requestBody?.content['application/json'].example
    const { status } = await call(api, url, {
      method: method as 'GET',
      key: ofUser ? browserToken(SECRET, { user: 'demo' }) : KEY,
      ...(body === undefined ? {} : { body }),
    })
    expect(operation.responses[status]).toBeDefined()
    expect(status).toBeLessThan(300)
  },
)

test.each(operations)('%s %s describes its errors as problem details', (_method, _path, { responses }) => {
  const errors = Object.entries(responses).filter(([status]) => !status.startsWith('2'))
  expect(errors.length).toBeGreaterThan(0)
  for (const [, { content }] of errors)
    expect(content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    })
})

test('redocly has nothing to say', async () => {
  const bin = new URL('../../../node_modules/@redocly/cli/bin/cli.js', import.meta.url).pathname
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    bin,
    'lint',
    '--config',
    'redocly.yaml',
    '--format',
    'json',
  ])
  expect([JSON.parse(stdout).totals, stderr]).toMatchObject([{ errors: 0, warnings: 0 }, expect.any(String)])
})

test('Swagger UI gets the development key by a call of its own, and none in production', async () => {
  const { sign } = await testTokens()
  const { api } = await startApi({
    demo: {
      role: 'all',
      apiKey: KEY,
      socketPath: '/socket.io/',
      mint: (user) => sign({ user, ttl: 60 }).token,
      peers: async () => [],
    },
  })
  const script = '/docs/static/swagger-initializer.js'
  const development = await call(api, script, { key: undefined })
  expect(development.text).toContain('preauthorizeApiKey')
  expect(development.text).toContain('userToken')
  expect(development.text).not.toContain(KEY)
  expect(
    (await call(api, '/demo/session?user=demo', { headers: { host: 'localhost:3000' } })).json.apiKey,
  ).toBe(KEY)
  // A proxy on this machine would say `localhost` for anybody.
  for (const headers of [{ 'x-forwarded-for': '203.0.113.7' }, { forwarded: 'for=203.0.113.7' }])
    expect(
      (await call(api, '/demo/session?user=demo', { headers: { host: 'localhost', ...headers } })).status,
    ).toBe(403)
  const afar = await api.inject({
    url: '/demo/session?user=demo',
    headers: { host: 'localhost' },
    remoteAddress: '203.0.113.7',
  })
  expect(afar.statusCode).toBe(403)

  expect((await call(shared(), script, { key: undefined })).text).not.toContain('preauthorizeApiKey')
  expect((await call(shared(), '/demo/session?user=demo')).status).toBe(404)
})

test('pages carry a policy that lets only their own scripts run', async () => {
  for (const url of ['/docs', '/docs/static/swagger-ui-bundle.js', '/']) {
    const { status, headers } = await call(shared(), url, { key: undefined })
    expect([url, status]).toEqual([url, 200])
    expect(headers['content-security-policy']).toContain("default-src 'self'")
    expect(headers['content-security-policy']).not.toContain("script-src 'unsafe")
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
  }
})
