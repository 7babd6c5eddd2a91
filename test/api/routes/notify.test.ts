import { describe, expect, test } from 'vitest'
import { userChannel } from '../../../src/core/model/channel.ts'
import { type Publication, payloadOf } from '../../../src/core/model/publication.ts'
import { apiKey, call, shareApi, startApi } from '../../support/api.ts'

const shared = shareApi()

const LIMIT = { entries: 100, bytes: 1_000_000 }

test('answers what was stored', async () => {
  const { api, engine } = await startApi()
  const answer = await call(api, '/notify/demo', { body: { title: 'Hello' } })
  expect(answer.status).toBe(201)
  expect(answer.json).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/),
    seq: 1,
    epoch: expect.any(String),
    version: 1,
    created: true,
    connections: 0,
  })
  const { publications, head } = await engine.broker.latest(userChannel('demo'), undefined, LIMIT)
  expect(head).toEqual({ seq: 1, epoch: answer.json.epoch })
  expect(payloadOf(publications[0]!)).toMatchObject({
    id: answer.json.id,
    title: 'Hello',
    type: 'message',
    severity: 'info',
    urgency: 'normal',
  })
})

test('ttl 0 is delivered and not stored, without a seq', async () => {
  const { api, engine } = await startApi()
  const heard = Promise.withResolvers<Publication>()
  await engine.broker.subscribe(userChannel('demo'), heard.resolve)
  const answer = await call(api, '/notify/demo', { body: { title: 'Now', ttl: 0 } })
  expect(answer.status).toBe(201)
  expect(answer.json).toEqual({ id: expect.any(String), version: 1, created: true, connections: 0 })
  expect(payloadOf(await heard.promise)).toMatchObject({ id: answer.json.id, title: 'Now' })
  const { publications } = await engine.broker.latest(userChannel('demo'), undefined, LIMIT)
  expect(publications).toEqual([])
})

test('every content field arrives', async () => {
  const { api, engine } = await startApi()
  const body = {
    title: 'Title',
    body: 'Body',
    type: 'export.finished',
    severity: 'warning',
    urgency: 'high',
    url: '/exports/1',
    icon: 'https://example.com/i.png',
    image: '/i.png',
    actions: [{ action: 'open', title: 'Open', url: '/x' }],
    actor: { id: 'u1', name: 'Ann', avatar: '/a.png' },
    category: 'exports',
    renotify: false,
    silent: true,
    requireInteraction: true,
    data: { nested: [null, {}] },
  }
  expect((await call(api, '/notify/demo', { body: { ...body, ttl: 60 } })).status).toBe(201)
  const { publications } = await engine.broker.latest(userChannel('demo'), undefined, LIMIT)
  expect(payloadOf(publications[0]!)).toMatchObject(body)
})

test('X-Socket-ID leaves that connection out', async () => {
  const { api, engine } = await startApi()
  const heard = Promise.withResolvers<Publication>()
  await engine.broker.subscribe(userChannel('demo'), heard.resolve)
  await call(api, '/notify/demo', { body: { title: 'x' }, headers: { 'x-socket-id': 'abc_DEF-1' } })
  expect((await heard.promise).except).toBe('abc_DEF-1')
})

describe('Idempotency-Key', () => {
  test('the order of fields makes no other body, but for those in data', async () => {
    const { api } = await startApi()
    const fields = {
      title: 'Once',
      tag: 't',
      actions: [{ action: 'open', title: 'Open', url: '/x' }],
      actor: { id: 'a', name: 'Ada', avatar: '/a.png' },
      progress: { status: 'running', value: 1, max: 3, text: 'one', staleAfter: 9 },
      webhook: { events: ['undelivered'], undeliveredAfter: 9, url: 'https://backend.example/' },
    }
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed)
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, part]) => [key, reversed(part)]),
      )
    }
    const headers = { 'idempotency-key': 'k' }
    const first = await call(api, '/notify/demo', { body: { ...fields, data: { a: 1, b: 2 } }, headers })
    expect(first.status).toBe(201)
    const body = { data: { a: 1, b: 2 }, ...(reversed(fields) as object) }
    expect(await call(api, '/notify/demo', { body, headers })).toMatchObject({
      status: 201,
      json: { id: first.json.id },
    })
    const other = { ...body, data: { b: 2, a: 1 } }
    expect((await call(api, '/notify/demo', { body: other, headers })).status).toBe(422)
  })

  test('50 at once are one notification, answered alike', async () => {
    const { api, engine } = await startApi()
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        call(api, '/notify/demo', { body: { title: 'Once' }, headers: { 'idempotency-key': 'k' } }),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1)
    expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1)
    const { publications } = await engine.broker.latest(userChannel('demo'), undefined, LIMIT)
    expect(publications).toHaveLength(1)
  })

  test('another body is a conflict, another order of its fields is not', async () => {
    const api = shared()
    const send = (body: object) => call(api, '/notify/demo', { body, headers: { 'idempotency-key': 'k' } })
    await send({ title: 'a', body: 'b' })
    expect(await send({ title: 'a', body: 'c' })).toMatchObject({
      status: 422,
      json: { code: 'idempotency_conflict' },
    })
    expect(await send({ body: 'b', title: 'a' })).toMatchObject({
      status: 201,
      headers: { 'idempotent-replayed': 'true' },
    })
  })

  test('counts per user and per caller, and goes on when a caller changes its key', async () => {
    const apiKeys = ['one', 'two', 'three'].map((key) => apiKey(key.repeat(10)))
    apiKeys[2]!.name = 'other'
    const { api } = await startApi({ apiKeys })
    const send = async (user: string, key: string) => {
      const options = { body: { title: 'a' }, headers: { 'idempotency-key': 'k' }, key: key.repeat(10) }
      return (await call(api, `/notify/${user}`, options)).json.id
    }
    const first = await send('demo', 'one')
    expect(await send('demo', 'two')).toBe(first)
    expect(await send('demo', 'three')).not.toBe(first)
    expect(await send('alice', 'one')).not.toBe(first)
  })

  test.each([
    [255, 201],
    [256, 400],
  ])('of %i characters: %i', async (length, status) => {
    const api = shared()
    const headers = { 'idempotency-key': 'k'.repeat(length) }
    expect((await call(api, '/notify/demo', { body: { title: 'x' }, headers })).status).toBe(status)
  })

  test.each(['', 'two words', 'tab\there'])('%j is refused', async (key) => {
    const api = shared()
    const headers = { 'idempotency-key': key }
    const { status, json } = await call(api, '/notify/demo', { body: { title: 'x' }, headers })
    expect([status, json.errors[0].pointer]).toEqual([400, 'Idempotency-Key'])
  })
})

const title = 'x'
const at = (size: number) => 'é'.repeat(size)

test.each<[string, object]>([
  ['title', { title: at(200) }],
  ['title of astral characters', { title: '😀'.repeat(200) }],
  ['body', { body: at(4000) }],
  ['type', { title, type: 'a'.repeat(100) }],
  ['category', { title, category: at(64) }],
  ['data', { data: 'x'.repeat(16_382) }],
  ['data null', { data: null }],
  ['ttl', { title, ttl: 2_419_200 }],
  ['ttl 0', { title, ttl: 0 }],
  ['actions', { title, actions: Array(3).fill({ action: 'a', title: 'A' }) }],
  ['url /', { title, url: '/' }],
  ['url HTTPS', { title, url: 'HTTPS://example.com?x=ü#y' }],
])('%s up to its limit is taken', async (_, body) => {
  const api = shared()
  expect(await call(api, '/notify/demo', { body })).toMatchObject({ status: 201 })
})

const scriptUrl = 'javascript:alert(1)'

test.each<[string, string, object]>([
  ['nothing to show', '', {}],
  ['a ttl only', '', { ttl: 5 }],
  ['a long title', '/title', { title: at(201) }],
  ['a title that is a number', '/title', { title: 5 }],
  ['a title that is null', '/title', { title: null }],
  ['a long body', '/body', { body: at(4001) }],
  ['an unknown field', '/titel', { title, titel: 'x' }],
  ['an unknown field with a slash', '/a~1b~0c', { title, 'a/b~c': 1 }],
  ['a long type', '/type', { title, type: 'a'.repeat(101) }],
  ['a type with capitals', '/type', { title, type: 'Export' }],
  ['an empty type', '/type', { title, type: '' }],
  ['an unknown severity', '/severity', { title, severity: 'fatal' }],
  ['an unknown urgency', '/urgency', { title, urgency: 'urgent' }],
  ['a script', '/url', { title, url: scriptUrl }],
  ['a script behind a blank', '/url', { title, url: ` ${scriptUrl}` }],
  ['a script cut by a line', '/url', { title, url: 'java\nscript:alert(1)' }],
  ['data in a URL', '/url', { title, url: 'data:text/html,x' }],
  ['a foreign host without a scheme', '/url', { title, url: '//evil.example' }],
  ['a foreign host behind a backslash', '/url', { title, url: '/\\evil.example' }],
  ['a foreign host behind a tab', '/url', { title, url: '/\t/evil.example' }],
  ['a relative path', '/url', { title, url: 'exports/1' }],
  ['an URL without a host', '/icon', { title, icon: 'https:///x' }],
  ['a script as a picture', '/image', { title, image: scriptUrl }],
  ['a script as an avatar', '/actor/avatar', { title, actor: { avatar: scriptUrl } }],
  ['an unknown field of an actor', '/actor/email', { title, actor: { email: 'x' } }],
  ['four actions', '/actions', { title, actions: Array(4).fill({ action: 'a', title: 'A' }) }],
  ['an action without a title', '/actions/0/title', { title, actions: [{ action: 'a' }] }],
  ['a script as an action', '/actions/0/url', { title, actions: [{ action: 'a', title, url: scriptUrl }] }],
  ['a long category', '/category', { title, category: at(65) }],
  ['half a character as a category', '/category', { title, category: '\ud83d' }],
  ['a string for a boolean', '/silent', { title, silent: 'true' }],
  ['large data', '/data', { data: 'x'.repeat(16_383) }],
  ['large data of many bytes', '/data', { data: '😀'.repeat(5000) }],
  ['a long ttl', '/ttl', { title, ttl: 2_419_201 }],
  ['a negative ttl', '/ttl', { title, ttl: -1 }],
  ['half a second', '/ttl', { title, ttl: 0.5 }],
  ['a ttl that is text', '/ttl', { title, ttl: '60' }],
])('refuses %s, and points to it', async (_, pointer, body) => {
  const api = shared()
  const answer = await call(api, '/notify/demo', { body })
  expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request', errors: [{ pointer }] } })
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
})

test('every fault is reported at once', async () => {
  const api = shared()
  const { json } = await call(api, '/notify/demo', { body: { title: 1, ttl: 'x', what: 1, sendAt: 'x' } })
  const pointers = json.errors.map(({ pointer }: { pointer: string }) => pointer)
  expect(new Set(pointers)).toEqual(new Set(['/title', '/ttl', '/what', '/sendAt']))
})

test.each([
  ['/notify', { users: ['demo'], notification: { title } }],
  ['/rooms/lobby/messages', { body: title }],
])('%s takes no wait', async (url, body) => {
  expect(await call(shared(), url, { body, headers: { prefer: 'wait=5' } })).toMatchObject({
    status: 400,
    json: { code: 'unsupported_field', errors: [{ pointer: 'Prefer' }] },
  })
})

test('other preferences are ignored', async () => {
  const api = shared()
  const headers = { prefer: 'return=minimal' }
  expect((await call(api, '/notify/demo', { body: { title }, headers })).status).toBe(201)
})

test.each(['abc def', 'ü', 'x'.repeat(65)])('X-Socket-ID %j is refused', async (id) => {
  const api = shared()
  const headers = { 'x-socket-id': id }
  const { status, json } = await call(api, '/notify/demo', { body: { title }, headers })
  expect([status, json.errors[0].pointer]).toEqual([400, 'X-Socket-ID'])
})

test('an engine that is away is a temporary error, with Retry-After', async () => {
  const { api, engine } = await startApi()
  await engine.close()
  const answer = await call(api, '/notify/demo', { body: { title } })
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
})
