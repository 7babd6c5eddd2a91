import { describe, expect, test } from 'vitest'
import { call, shareApi, startApi } from '../../support/api.ts'

const shared = shareApi()
const title = 'x'
const UUID = '0190a0b0-0000-7000-8000-000000000000'
let users = 0
const someone = (): string => `user-${users++}`

const post = (user: string, body: object, headers = {}) =>
  call(shared(), `/notify/${user}`, { body, headers })
const put = (user: string, tag: string, body: object, headers = {}) =>
  call(shared(), `/notify/${user}/${tag}`, { method: 'PUT', body, headers })

describe('a tag', () => {
  test('that is known is replaced in place: 200, the same id, a new seq, the next version', async () => {
    const user = someone()
    const first = await post(user, { title, tag: 'export' })
    expect(first).toMatchObject({ status: 201, json: { seq: 1, version: 1, created: true } })
    const second = await post(user, { title: 'y', tag: 'export' })
    expect(second.status).toBe(200)
    expect(second.json).toEqual({ ...first.json, seq: 2, version: 2, created: false })
  })

  test('of another user is another one', async () => {
    await post(someone(), { title, tag: 'export' })
    expect(await post(someone(), { title, tag: 'export' })).toMatchObject({ status: 201, json: { seq: 1 } })
  })

  test('PUT creates with 201 and replaces with 200, and POST finds the same one', async () => {
    const user = someone()
    const first = await put(user, 'a.b:c_d-1', { title })
    expect(first).toMatchObject({ status: 201, json: { version: 1, created: true } })
    expect(await put(user, 'a.b:c_d-1', { title })).toMatchObject({
      status: 200,
      json: { id: first.json.id, seq: 2, version: 2, created: false },
    })
    expect(await post(user, { title, tag: 'a.b:c_d-1' })).toMatchObject({
      status: 200,
      json: { id: first.json.id, seq: 3, version: 3 },
    })
  })
})

describe('a version', () => {
  test.each([
    [4, 200, false, 1],
    [5, 200, false, 1],
    [6, 200, undefined, 2],
  ])('%i after 5: applied %s', async (version, status, applied, seq) => {
    const user = someone()
    const first = await put(user, 't', { title, version: 5 })
    expect(first).toMatchObject({ status: 201, json: { version: 5 } })
    const later = await put(user, 't', { title, version })
    expect(later.status).toBe(status)
    expect(later.json).toEqual({
      ...first.json,
      seq,
      version: Math.max(version, 5),
      created: false,
      ...(applied === undefined ? {} : { applied }),
    })
  })

  test('that is left out is one more than the stored one', async () => {
    const user = someone()
    await put(user, 't', { title, version: 41 })
    expect((await put(user, 't', { title })).json.version).toBe(42)
  })
})

test('a finished progress is set back only by a higher version', async () => {
  const user = someone()
  const finished = await put(user, 't', { title, version: 3, progress: { status: 'succeeded' } })
  const running = { title, progress: { status: 'running', value: 1 } }
  const { id, seq } = finished.json
  expect((await put(user, 't', running)).json).toMatchObject({ id, seq, created: false, applied: false })
  expect((await put(user, 't', { ...running, version: 4 })).json).toMatchObject({ id, seq: 2, version: 4 })
})

test('a key that is repeated answers as before, also of a replacement and of one that was dropped', async () => {
  const user = someone()
  await put(user, 't', { title, version: 5 })
  for (const [version, seq] of [
    [6, 2],
    [1, 2],
  ] as const) {
    const send = () => put(user, 't', { title, version }, { 'idempotency-key': `k${version}` })
    const first = await send()
    expect(first).toMatchObject({ status: 200, json: { seq, version: 6, created: false } })
    const again = await send()
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect([again.status, again.json]).toEqual([200, first.json])
  }
})

const tag = 't'
const running = { status: 'running' }

test.each<[string, object]>([
  ['a tag of one character', { title, tag: 'a' }],
  ['a tag of 64', { title, tag: 'a'.repeat(64) }],
  ['version 0', { title, tag: 'version-0', version: 0 }],
  ['the largest version', { title, tag: 'version-max', version: Number.MAX_SAFE_INTEGER }],
  ['value 0', { title, tag, progress: { ...running, value: 0 } }],
  ['value as large as max', { title, tag, progress: { ...running, value: 100 } }],
  ['value as large as its own max', { title, tag, progress: { ...running, value: 2.5, max: 2.5 } }],
  ['a text of 200', { title, tag, progress: { ...running, text: 'é'.repeat(200) } }],
  ['stale after a second', { title, tag, progress: { ...running, staleAfter: 1 } }],
  ['stale after a day', { title, tag, progress: { ...running, staleAfter: 86_400 } }],
  ...['queued', 'running', 'succeeded', 'failed', 'canceled'].map((status): [string, object] => [
    status,
    { title, tag: status, progress: { status } },
  ]),
])('%s is taken', async (_, body) => {
  expect((await post('limits', body)).json).toMatchObject({ id: expect.any(String) })
})

test.each<[string, string, unknown]>([
  ['an empty tag', '/tag', { title, tag: '' }],
  ['a tag of 65', '/tag', { title, tag: 'a'.repeat(65) }],
  ['a tag with a blank', '/tag', { title, tag: 'a b' }],
  ['a tag with a slash', '/tag', { title, tag: 'a/b' }],
  ['a tag that ends in a line', '/tag', { title, tag: 'a\n' }],
  ['a tag like a UUID', '/tag', { title, tag: UUID }],
  ['a tag like a UUID in capitals', '/tag', { title, tag: UUID.toUpperCase() }],
  ['a negative version', '/version', { title, tag, version: -1 }],
  ['half a version', '/version', { title, tag, version: 0.5 }],
  ['a version beyond what is exact', '/version', '{"title":"x","tag":"t","version":9007199254740992}'],
  ['a version without a tag', '/version', { title, version: 1 }],
  ['a progress without a tag', '/progress', { title, progress: running }],
  ['renotify without a tag', '/renotify', { title, renotify: true }],
  ['ttl 0 with a tag', '/ttl', { title, tag, ttl: 0 }],
  ['a progress without a status', '/progress/status', { title, tag, progress: { value: 1 } }],
  ['an unknown status', '/progress/status', { title, tag, progress: { status: 'done' } }],
  [
    'an unknown field of a progress',
    '/progress/percent',
    { title, tag, progress: { ...running, percent: 1 } },
  ],
  ['a negative value', '/progress/value', { title, tag, progress: { ...running, value: -1 } }],
  ['a value above 100', '/progress/value', { title, tag, progress: { ...running, value: 101 } }],
  ['a value above max', '/progress/value', { title, tag, progress: { ...running, value: 3, max: 2 } }],
  ['max 0', '/progress/max', { title, tag, progress: { ...running, max: 0 } }],
  ['a text of 201', '/progress/text', { title, tag, progress: { ...running, text: 'é'.repeat(201) } }],
  ['stale at once', '/progress/staleAfter', { title, tag, progress: { ...running, staleAfter: 0 } }],
  [
    'stale after more than a day',
    '/progress/staleAfter',
    { title, tag, progress: { ...running, staleAfter: 86_401 } },
  ],
])('refuses %s, and points to it', async (_, pointer, body) => {
  expect(await call(shared(), '/notify/refused', { body })).toMatchObject({
    status: 400,
    json: { code: 'invalid_request', errors: [{ pointer }] },
  })
})

test.each<[string, string, string, object]>([
  ['an id in the path', '/idOrTag', UUID, { title }],
  ['a blank in the path', '/idOrTag', 'a%20b', { title }],
  ['a tag in the body', '/tag', 't', { title, tag: 't' }],
  ['nothing to show', '', 't', {}],
  ['ttl 0', '/ttl', 't', { title, ttl: 0 }],
])('PUT refuses %s', async (_, pointer, path, body) => {
  expect(await put('refused', path, body)).toMatchObject({
    status: 400,
    json: { code: 'invalid_request', errors: [{ pointer }] },
  })
})

test('a notification that may not be stored is not', async () => {
  const { api } = await startApi()
  await call(api, '/notify/demo', { body: { title, tag: UUID } })
  expect((await call(api, '/notify/demo', { body: { title } })).json.seq).toBe(1)
})
