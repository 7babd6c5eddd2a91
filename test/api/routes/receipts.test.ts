import { describe, expect, test } from 'vitest'
import { Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { apiKey, call, shareApi, startApi } from '../../support/api.ts'

const shared = shareApi()
const title = 'x'
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UNKNOWN = '0190a0b0-0000-7000-8000-000000000000'

test('a receipt has each step with its time, by id and by tag', async () => {
  const { api, engine } = await startApi()
  const inboxes = new Inboxes(engine)
  await engine.connections.announce('user:demo', 3)
  const { id, seq, epoch } = (await call(api, '/notify/demo', { body: { title, tag: 't', ttl: 60 } })).json
  const fresh = await call(api, `/notify/demo/${id}`)
  const expected = {
    id,
    tag: 't',
    version: 1,
    seq,
    epoch,
    stored: { at: expect.stringMatching(TIME) },
    sent: { at: expect.stringMatching(TIME), connections: 3 },
    delivered: null,
    seen: null,
    read: null,
    archived: null,
    createdAt: expect.stringMatching(TIME),
    expiresAt: expect.stringMatching(TIME),
  }
  expect([fresh.status, fresh.json]).toEqual([200, expected])
  expect(Date.parse(fresh.json.expiresAt) - Date.parse(fresh.json.stored.at)).toBe(60_000)

  await inboxes.acknowledge('demo', seq)
  for (const state of ['seen', 'read', 'archived'] as const)
    await inboxes.mark('demo', { ids: [id], state, value: true })
  const step = { at: expect.stringMatching(TIME) }
  expect((await call(api, '/notify/demo/t')).json).toEqual({
    ...expected,
    delivered: step,
    seen: step,
    read: step,
    archived: step,
  })
})

test('a receipt is of the version that is stored now', async () => {
  const api = shared()
  const first = await call(api, '/notify/versions', { body: { title, tag: 't' } })
  const before = (await call(api, '/notify/versions/t')).json
  const second = await call(api, '/notify/versions', { body: { title, tag: 't' } })
  const { id, version, seq, createdAt } = (await call(api, '/notify/versions/t')).json
  expect([id, version, seq, createdAt]).toEqual([first.json.id, 2, second.json.seq, before.createdAt])
})

test('one without a tag has none in its receipt, and its id may come in capitals', async () => {
  const { id } = (await call(shared(), '/notify/capitals', { body: { title } })).json
  const { status, json } = await call(shared(), `/notify/capitals/${id.toUpperCase()}`)
  expect([status, json.id, 'tag' in json]).toEqual([200, id, false])
})

describe('withdrawing', () => {
  test.each(['id', 'tag'])('by %s: 204 once, then 404, and the receipt is gone', async (by) => {
    const api = shared()
    const { id } = (await call(api, '/notify/gone', { body: { title, tag: by } })).json
    const url = `/notify/gone/${by === 'id' ? id : by}`
    const first = await call(api, url, { method: 'DELETE' })
    expect([first.status, first.text]).toEqual([204, ''])
    expect(await call(api, url, { method: 'DELETE' })).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    })
    expect((await call(api, url)).status).toBe(404)
  })

  test('makes room for a new one with the tag', async () => {
    const api = shared()
    const send = () => call(api, '/notify/anew', { body: { title, tag: 't' } })
    const { id } = (await send()).json
    await call(api, '/notify/anew/t', { method: 'DELETE' })
    const again = await send()
    expect([again.status, again.json.version]).toEqual([201, 1])
    expect(again.json.id).not.toBe(id)
  })

  test('touches no other user', async () => {
    const api = shared()
    const { id } = (await call(api, '/notify/owner', { body: { title } })).json
    expect((await call(api, `/notify/stranger/${id}`, { method: 'DELETE' })).status).toBe(404)
    expect((await call(api, `/notify/stranger/${id}`)).status).toBe(404)
    expect((await call(api, `/notify/owner/${id}`)).status).toBe(200)
  })
})

test('nothing ephemeral has a receipt', async () => {
  const { id } = (await call(shared(), '/notify/ephemeral', { body: { title, ttl: 0 } })).json
  expect((await call(shared(), `/notify/ephemeral/${id}`)).status).toBe(404)
})

describe.each(['GET', 'DELETE'] as const)('%s', (method) => {
  test.each([
    [UNKNOWN, 404],
    ['unknown', 404],
    ['a'.repeat(64), 404],
    ['a'.repeat(65), 400],
    ['a%20b', 400],
    ['%C3%BC', 400],
  ])('/notify/demo/%s: %i', async (idOrTag, status) => {
    const answer = await call(shared(), `/notify/demo/${idOrTag}`, { method })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    if (status === 400) expect(answer.json.errors[0].pointer).toBe('/idOrTag')
  })

  test('refuses what is no user', async () => {
    const { status, json } = await call(shared(), '/notify/a%00b/t', { method })
    expect([status, json.errors[0].pointer]).toEqual([400, '/user'])
  })

  test('is a temporary error while the engine is away', async () => {
    const { api, engine } = await startApi()
    await engine.close()
    expect(await call(api, '/notify/demo/t', { method })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    })
  })
})

test('reading wants notify:read, everything else notify:write', async () => {
  const { api } = await startApi({
    apiKeys: [apiKey('r'.repeat(22), 'notify:read'), apiKey('w'.repeat(22), 'notify:write')],
  })
  const send = async (key: string, method: 'GET' | 'PUT' | 'DELETE') =>
    (
      await call(api, '/notify/demo/t', {
        method,
        key: key.repeat(22),
        ...(method === 'PUT' ? { body: { title } } : {}),
      })
    ).status
  expect([await send('r', 'PUT'), await send('r', 'DELETE'), await send('w', 'GET')]).toEqual([403, 403, 403])
  expect([await send('w', 'PUT'), await send('r', 'GET'), await send('w', 'DELETE')]).toEqual([201, 200, 204])
  const many = { body: { users: ['demo'], notification: { title } } }
  expect((await call(api, '/notify', { ...many, key: 'r'.repeat(22) })).status).toBe(403)
  expect((await call(api, '/notify', { ...many, key: 'w'.repeat(22) })).status).toBe(200)
})
