import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Scope } from '../../../src/core/access/scopes.ts'
import { apiKey, type Call, call, SECRET, shareApi, startApi } from '../../support/api.ts'
import { browserClaims, hs256, now } from '../../support/forged-tokens.ts'

const shared = shareApi()

const routes: [string, Scope, string, Call, number][] = [
  ['POST /notify/:user', 'notify:write', '/notify/demo', { body: { title: 'x' } }, 201],
  ['POST /rooms/:room/messages', 'rooms:write', '/rooms/lobby/messages', { body: { body: 'x' } }, 201],
  ['GET /rooms/:room/messages', 'rooms:read', '/rooms/lobby/messages', {}, 200],
  ['GET /users/:user/presence', 'presence:read', '/users/demo/presence', {}, 200],
  ['POST /presence', 'presence:read', '/presence', { body: { users: ['demo'] } }, 200],
  ['POST /users/:user/disconnect', 'users:write', '/users/demo/disconnect', { method: 'POST' }, 202],
  ['POST /tokens', 'tokens:write', '/tokens', { body: { user: 'demo' } }, 201],
]

const serviceClaims = (claims: object = {}): object => ({
  aud: 'tabcast:api',
  sub: 'shop',
  exp: now() + 60,
  ...claims,
})

describe.each(routes)('%s', (_, scope, url, options, status) => {
  const others = routes.map(([, other]) => other).filter((other) => other !== scope)
  const keyed = shareApi({ apiKeys: [apiKey('right', scope), apiKey('wrong', ...others)] })

  test(`wants ${scope}`, async () => {
    expect((await call(keyed(), url, { ...options, key: 'right' })).status).toBe(status)
    expect(await call(keyed(), url, { ...options, key: 'wrong' })).toMatchObject({
      status: 403,
      json: { code: 'scope_missing', detail: expect.stringContaining(scope) },
      headers: { 'www-authenticate': expect.stringContaining('insufficient_scope') },
    })
  })

  test('wants a credential before it looks at anything else', async () => {
    expect(await call(shared(), url, { ...options, key: undefined })).toMatchObject({
      status: 401,
      json: { code: 'credential_missing' },
      headers: { 'www-authenticate': 'Bearer realm="tabcast"' },
    })
    const broken = { ...options, ...(options.body ? { body: '{' } : {}), key: undefined }
    expect((await call(shared(), url, broken)).status).toBe(401)
  })

  test('takes a service token with the scope', async () => {
    const token = (scopes: string) => hs256(SECRET, serviceClaims({ scope: scopes }))
    expect((await call(shared(), url, { ...options, key: token(`other:scope ${scope}`) })).status).toBe(
      status,
    )
    expect((await call(shared(), url, { ...options, key: token('admin') })).status).toBe(status)
    expect((await call(shared(), url, { ...options, key: token(others.join(' ')) })).status).toBe(403)
  })

  test('refuses the token of a browser, and says what it wants', async () => {
    const key = hs256(SECRET, browserClaims({ scope: 'admin' }))
    expect(await call(shared(), url, { ...options, key })).toMatchObject({
      status: 401,
      json: { code: 'token_invalid', detail: expect.stringMatching(/browser.*API key/) },
    })
  })
})

const post = (key: string, headers = {}) => ({ body: { title: 'x' }, key, headers })

describe('API keys', () => {
  test('several at once, and one that is taken away', async () => {
    const both = await startApi({ apiKeys: [apiKey('old'), apiKey('new')] })
    for (const key of ['old', 'new'])
      expect((await call(both.api, '/notify/demo', post(key))).status).toBe(201)
    const after = await startApi({ apiKeys: [apiKey('new')] })
    expect(await call(after.api, '/notify/demo', post('old'))).toMatchObject({
      status: 401,
      json: { code: 'credential_invalid' },
      headers: { 'www-authenticate': expect.stringContaining('invalid_token') },
    })
  })

  test('a hash is no key', async () => {
    const hex = apiKey('secret').sha256.toString('hex')
    const { api } = await startApi({ apiKeys: [apiKey('secret')] })
    expect((await call(api, '/notify/demo', post(hex))).status).toBe(401)
  })

  test.each([
    ['Basic dXNlcjpwYXNz', 401],
    ['Bearer', 401],
    ['Bearer ', 401],
    ['Bearer a b', 401],
    ['key-of-the-test-backend', 401],
    ['bearer key-of-the-test-backend', 201],
    ['BEARER   key-of-the-test-backend', 201],
  ])('Authorization: %s is %i', async (authorization, status) => {
    expect(
      await call(shared(), '/notify/demo', {
        body: { title: 'x' },
        key: undefined,
        headers: { authorization },
      }),
    ).toMatchObject({ status })
  })

  test('on one connection each request is judged by its own key, also after others', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `key-${index}`)
    const { api } = await startApi({
      apiKeys: [apiKey('rooms', 'rooms:write'), ...names.map((name) => apiKey(name))],
    })
    await api.listen({ host: '127.0.0.1', port: 0 })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const statusOf = async (key: string, url = '/notify/demo'): Promise<number | undefined> => {
      const { port } = api.server.address() as AddressInfo
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const sent = request({ agent, port, path: url, method: 'POST', headers })
      sent.end(JSON.stringify({ body: 'x' }))
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      await once(response.resume(), 'end')
      return response.statusCode
    }
    for (let round = 0; round < 3; round++) {
      for (const name of names) expect(await statusOf(name)).toBe(201)
      for (const key of ['key-12', 'key-', 'KEY-1', 'stranger']) expect(await statusOf(key)).toBe(401)
      expect(await statusOf('rooms')).toBe(403)
      expect(await statusOf('rooms', '/rooms/lobby/messages')).toBe(201)
    }
    expect(await new Promise((resolve) => api.server.getConnections((_, count) => resolve(count)))).toBe(1)
  })

  test('without any key nobody gets in', async () => {
    const { api } = await startApi({ apiKeys: [] })
    expect((await call(api, '/notify/demo', post('x'))).status).toBe(401)
  })
})

describe('service tokens', () => {
  test.each<[string, object, string]>([
    ['expired', { exp: now() - 1 }, 'token_expired'],
    ['that never expire', { exp: undefined }, 'token_invalid'],
    ['for somebody else', { aud: 'shop' }, 'token_invalid'],
    ['with scopes in an array', { scope: ['admin'] }, 'token_invalid'],
  ])('%s are refused', async (_, claims, code) => {
    const key = hs256(SECRET, serviceClaims({ scope: 'admin', ...claims }))
    expect(await call(shared(), '/notify/demo', post(key))).toMatchObject({ status: 401, json: { code } })
  })

  test('a stranger is refused', async () => {
    const key = hs256('x'.repeat(32), serviceClaims({ scope: 'admin' }))
    expect((await call(shared(), '/notify/demo', post(key))).status).toBe(401)
  })

  test('a token without scopes may nothing', async () => {
    expect((await call(shared(), '/notify/demo', post(hs256(SECRET, serviceClaims())))).status).toBe(403)
  })

  test('idempotency counts per subject', async () => {
    const send = async (sub: string) => {
      const key = hs256(SECRET, serviceClaims({ sub, scope: 'admin' }))
      return (await call(shared(), '/notify/idem', post(key, { 'idempotency-key': 'k' }))).json.id
    }
    const first = await send('a')
    expect(await send('a')).toBe(first)
    expect(await send('b')).not.toBe(first)
  })
})
