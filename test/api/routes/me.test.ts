import { beforeEach, describe, expect, test } from 'vitest'
import { call, SECRET, shareApi, startApi } from '../../support/api.ts'
import { browserToken, signToken } from '../../support/tokens.ts'

const shared = shareApi()
const UUID = '0190a0b0-0000-7000-8000-000000000000'
let user = ''
let users = 0
beforeEach(() => {
  user = `user-${users++}`
})

const tokenOf = (name: string): string => browserToken(SECRET, { user: name })
const notify = async (body: object | string): Promise<string> =>
  (await call(shared(), `/notify/${user}`, { body })).json.id
const me = (path = '', options: { method?: 'GET' | 'DELETE'; body?: unknown } = {}) =>
  call(shared(), `/me/notifications${path}`, { ...options, key: tokenOf(user) })
const mark = (body: unknown) => me('/mark', { body })
const titles = async (query: string): Promise<string[]> =>
  (await me(query)).json.items.map(({ title }: { title: string }) => title)

describe('the list', () => {
  test('has whole notifications, newest first, with the counts and the position in the log', async () => {
    const first = await notify({ title: 'one', category: 'c', data: { a: [1] }, tag: 't' })
    const second = await notify({ title: 'two' })
    const { status, json, headers } = await me()
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'application/json; charset=utf-8',
      'no-store',
    ])
    expect(json).toMatchObject({ nextCursor: null, unread: 2, unseen: 2, seq: 2, epoch: expect.any(String) })
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual([second, first])
    expect(json.items[1]).toEqual({
      ...{ id: first, title: 'one', category: 'c', data: { a: [1] }, tag: 't', version: 1, seq: 1 },
      ...{ type: 'message', severity: 'info', urgency: 'normal', epoch: json.epoch },
      ...{ renotify: false, silent: false, requireInteraction: false },
      ...{ seenAt: null, readAt: null, archivedAt: null },
      ...{ createdAt: expect.any(String), updatedAt: expect.any(String), expiresAt: expect.any(String) },
    })
  })

  test('passes content on digit for digit', async () => {
    await notify('{"data":{"big":123456789012345678901,"small":1e400,"zero":-0,"list":[],"text":"\\u2028"}}')
    expect((await me()).text).toContain(
      '"data":{"big":123456789012345678901,"small":1e400,"zero":-0,"list":[],"text":"\u2028"}',
    )
  })

  test('of a user without any is empty', async () => {
    expect((await me()).json).toMatchObject({ items: [], nextCursor: null, unread: 0, unseen: 0, seq: 0 })
  })

  test('filters by status, category, type and tag', async () => {
    const [a, b, c] = [
      await notify({ title: 'a', category: 'x', type: 't.a' }),
      await notify({ title: 'b', category: 'y', tag: 'tag' }),
      await notify({ title: 'c', category: 'x' }),
    ]
    await notify({ title: 'd' })
    await mark({ ids: [a], read: true })
    await mark({ ids: [b], archived: true })
    await mark({ ids: [c], seen: true })
    expect(await titles('?status=active')).toEqual(['d', 'c', 'a'])
    expect(await titles('?status=unread')).toEqual(['d', 'c'])
    expect(await titles('?status=unseen')).toEqual(['d'])
    expect(await titles('?status=read')).toEqual(['a'])
    expect(await titles('?status=archived')).toEqual(['b'])
    expect(await titles('?category=x')).toEqual(['c', 'a'])
    expect(await titles('?type=t.a')).toEqual(['a'])
    expect(await titles('?tag=tag')).toEqual(['b'])
    expect(await titles('?category=x&status=read')).toEqual(['a'])
  })

  test('goes on from page to page without a hole, also when something new comes in between', async () => {
    for (let number = 0; number < 5; number++) await notify({ title: String(number) })
    const seen: string[] = []
    let query: string | undefined = '?limit=2'
    for (let pages = 0; query !== undefined && pages < 5; pages++) {
      const { json }: Awaited<ReturnType<typeof me>> = await me(query)
      seen.push(...json.items.map(({ title }: { title: string }) => title))
      if (pages === 0) await notify({ title: 'later' })
      query = json.nextCursor === null ? undefined : `?limit=2&cursor=${json.nextCursor}`
    }
    expect(seen).toEqual(['4', '3', '2', '1', '0'])
  })

  test('has 20 unless the caller says otherwise, and the rest with the next page', async () => {
    for (let number = 0; number < 21; number++) await notify({ title: String(number) })
    const { items, nextCursor } = (await me()).json
    expect([items.length, typeof nextCursor]).toEqual([20, 'string'])
    expect((await me(`?cursor=${nextCursor}`)).json).toMatchObject({
      items: [{ title: '0' }],
      nextCursor: null,
    })
  })

  test('ends a page before it has more than 1 MiB', async () => {
    for (let number = 0; number < 66; number++) await notify({ data: 'x'.repeat(16_000) })
    const { text, json } = await me('?limit=100')
    expect(text.length).toBeLessThan(1_050_000)
    expect(json.items.length).toBeGreaterThan(60)
    const rest = await me(`?limit=100&cursor=${json.nextCursor}`)
    expect(json.items.length + rest.json.items.length).toBe(66)
    expect(rest.json.nextCursor).toBeNull()
  })

  test.each(['1', '100'])('limit=%s is taken', async (limit) => {
    expect((await me(`?limit=${limit}`)).status).toBe(200)
  })

  test.each([
    ['/limit', 'limit=0'],
    ['/limit', 'limit=101'],
    ['/limit', 'limit=ten'],
    ['/limit', 'limit='],
    ['/status', 'status=new'],
    ['/tag', 'tag=a&tag=b'],
    ['/category', 'category='],
    ['/category', `category=${'x'.repeat(65)}`],
    ['/type', 'type=A'],
    ['/tag', 'tag=a%20b'],
    ['/tag', `tag=${UUID}`],
    ['/cursor', 'cursor=x'],
    ['/cursor', 'cursor='],
    ['/user', 'user=demo'],
  ])('refuses with %s: %s', async (pointer, query) => {
    expect(await me(`?${query}`)).toMatchObject({
      status: 400,
      json: { code: 'invalid_request', errors: [{ pointer }] },
    })
  })
})

test('the counts', async () => {
  await notify({ title: 'a' })
  await mark({ ids: [await notify({ title: 'b' })], seen: true })
  const { status, json } = await me('/count')
  expect([status, json]).toEqual([200, { unread: 2, unseen: 1 }])
})

describe('mark', () => {
  test.each([
    ['seen', { unread: 1, unseen: 0 }],
    ['read', { unread: 0, unseen: 0 }],
    ['archived', { unread: 0, unseen: 0 }],
  ])('%s is given and taken back', async (state, counts) => {
    const id = await notify({ title: 'a' })
    const given = await mark({ ids: [id.toUpperCase()], [state]: true })
    expect([given.status, given.json]).toEqual([200, counts])
    expect((await me()).json.items[0][`${state}At`]).toMatch(/^\d{4}-/)
    expect((await mark({ ids: [id], [state]: false })).json).toEqual({ unread: 1, unseen: 1 })
    expect((await me()).json.items[0][`${state}At`]).toBeNull()
  })

  test('all, or all before a time', async () => {
    await notify({ title: 'a' })
    const { updatedAt } = (await me()).json.items[0]
    const earlier = new Date(Date.parse(updatedAt) - 1).toISOString()
    expect((await mark({ all: true, before: earlier, read: true })).json).toEqual({ unread: 1, unseen: 1 })
    // The same time, as another part of the world writes it.
    const here = new Date(Date.parse(updatedAt) + 7_200_000).toISOString().replace('Z', '+02:00')
    expect((await mark({ all: true, before: here, read: true })).json).toEqual({ unread: 0, unseen: 0 })
    await notify({ title: 'b' })
    expect((await mark({ all: true, seen: true })).json).toEqual({ unread: 1, unseen: 0 })
  })

  test.each([0, 1000])('%i ids are taken', async (count) => {
    const ids = Array.from({ length: count }, () => UUID)
    expect((await mark({ ids, read: true })).status).toBe(200)
  })

  test.each<[string, string, unknown]>([
    ['nothing', '', {}],
    ['no state', '', { all: true }],
    ['two states', '', { all: true, seen: true, read: false }],
    ['neither ids nor all', '', { read: true }],
    ['both ids and all', '', { ids: [UUID], all: true, read: true }],
    ['all: false', '/all', { all: false, read: true }],
    ['1001 ids', '/ids', { ids: Array(1001).fill(UUID), read: true }],
    ['an id that is none', '/ids/0', { ids: ['tag'], read: true }],
    ['a state that is no boolean', '/read', { all: true, read: 'true' }],
    ['before with ids', '/before', { ids: [UUID], before: '2026-01-01T00:00:00Z', read: true }],
    ['a time without a zone', '/before', { all: true, before: '2026-01-01T00:00:00', read: true }],
    ['a date', '/before', { all: true, before: '2026-01-01', read: true }],
    ['a leap second', '/before', { all: true, before: '2016-12-31T23:59:60Z', read: true }],
    ['an unknown field', '/delete', { all: true, read: true, delete: true }],
  ])('refuses %s', async (_, pointer, body) => {
    expect(await mark(body)).toMatchObject({
      status: 400,
      json: { code: 'invalid_request', errors: [{ pointer }] },
    })
  })
})

describe('removing', () => {
  test('by id or tag: 204 once, then 404', async () => {
    const id = await notify({ title: 'a' })
    await notify({ title: 'b', tag: 'b' })
    for (const path of [`/${id}`, '/b']) {
      const first = await me(path, { method: 'DELETE' })
      expect([first.status, first.text]).toEqual([204, ''])
      expect(await me(path, { method: 'DELETE' })).toMatchObject({ status: 404, json: { code: 'not_found' } })
    }
    expect((await me()).json).toMatchObject({ items: [], unread: 0 })
  })

  test('refuses what is neither an id nor a tag', async () => {
    const { status, json } = await me('/a%20b', { method: 'DELETE' })
    expect([status, json.errors[0].pointer]).toEqual([400, '/idOrTag'])
  })
})

test('nobody reaches into the inbox of another', async () => {
  const id = await notify({ title: 'mine' })
  const key = tokenOf('somebody-else')
  const other = (path: string, options = {}) =>
    call(shared(), `/me/notifications${path}`, { key, ...options })
  expect((await other('')).json.items).toEqual([])
  expect((await other(`/${id}`, { method: 'DELETE' })).status).toBe(404)
  await other('/mark', { body: { ids: [id], read: true } })
  await other('/mark', { body: { all: true, read: true } })
  expect((await me('/count')).json).toEqual({ unread: 1, unseen: 1 })
})

const ROUTES: ['DELETE' | 'GET' | 'POST', string, object | undefined][] = [
  ['GET', '', undefined],
  ['GET', '/count', undefined],
  ['POST', '/mark', { all: true, read: true }],
  ['DELETE', '/welcome', undefined],
]

describe.each(ROUTES)('%s /me/notifications%s', (method, path, body) => {
  const now = Math.floor(Date.now() / 1000)
  test.each([
    ['no token', undefined, 'token_missing'],
    ['an API key', 'key-of-the-test-backend', 'token_invalid'],
    ['a token of another key', browserToken('x'.repeat(32), { user: 'demo' }), 'token_invalid'],
    ['a token that has expired', browserToken(SECRET, { user: 'demo', ttl: -1 }), 'token_expired'],
    [
      'a token of a backend',
      signToken(SECRET, { aud: 'tabcast:api', sub: 'demo', iat: now, exp: now + 60, scope: 'admin' }),
      'token_invalid',
    ],
    [
      'a token of a room',
      signToken(SECRET, { aud: 'tabcast:room', sub: 'demo', room: 'r', iat: now, exp: now + 60 }),
      'token_invalid',
    ],
    [
      'a token whose iat is no time',
      signToken(SECRET, { aud: 'tabcast', sub: 'demo', exp: now + 60, iat: 'x' }),
      'token_invalid',
    ],
  ])('refuses %s', async (_, key, code) => {
    const answer = await call(shared(), `/me/notifications${path}`, { method, key, ...(body && { body }) })
    expect(answer).toMatchObject({ status: 401, json: { code } })
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['www-authenticate']).toBe(
      code === 'token_missing' ? 'Bearer realm="tabcast"' : 'Bearer realm="tabcast", error="invalid_token"',
    )
  })

  test('refuses another kind of credential', async () => {
    const headers = { authorization: `Basic ${tokenOf('demo')}` }
    const options = { method, key: undefined, headers, ...(body && { body }) }
    expect(await call(shared(), `/me/notifications${path}`, options)).toMatchObject({
      status: 401,
      json: { code: 'token_invalid' },
    })
  })

  test('refuses a token that was revoked, and takes a later one', async () => {
    const { api } = await startApi()
    const send = (iat: number) =>
      call(api, `/me/notifications${path}`, {
        method,
        key: signToken(SECRET, { aud: 'tabcast', sub: 'demo', iat, exp: now + 60 }),
        ...(body && { body }),
      })
    await call(api, '/users/demo/disconnect', { body: { revoke: true } })
    expect(await send(now)).toMatchObject({ status: 401, json: { code: 'token_revoked' } })
    expect((await send(now + 30)).status).not.toBe(401)
  })

  test('is a temporary error while the engine is away', async () => {
    const { api, engine } = await startApi()
    await engine.close()
    const options = { method, key: tokenOf('demo'), ...(body && { body }) }
    expect(await call(api, `/me/notifications${path}`, options)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    })
  })
})

test.each(['api', 'worker', 'all'] as const)('the role %s has the routes', async (role) => {
  const { api } = await startApi({ role })
  expect((await call(api, '/me/notifications', { key: tokenOf('demo') })).status).toBe(200)
})
