import { expect, test } from 'vitest'
import { Inboxes } from '../../../src/core/inbox/inboxes.ts'
import { call, shareApi, startApi } from '../../support/api.ts'

const shared = shareApi()
const notification = { title: 'x' }
const usersOf = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

const send = (users: unknown, headers = {}, body: object = notification) =>
  call(shared(), '/notify', { body: { users, notification: body }, headers })

test('each user gets it, with a result in the order asked', async () => {
  const { api, engine } = await startApi()
  const users = ['demo', 'ä:*{}', 'alice']
  await call(api, '/notify/alice', { body: { title: 'earlier' } })
  const { status, json, headers } = await call(api, '/notify', { body: { users, notification } })
  expect([status, headers['idempotent-replayed']]).toEqual([200, undefined])
  expect(json).toEqual({
    results: users.map((user) => ({
      user,
      status: 201,
      id: expect.any(String),
      seq: user === 'alice' ? 2 : 1,
      epoch: expect.any(String),
      version: 1,
      created: true,
      connections: 0,
    })),
  })
  const inboxes = new Inboxes(engine)
  for (const { user, id } of json.results)
    expect(await inboxes.find(user, id)).toMatchObject({ content: expect.stringContaining('"title":"x"') })
})

test('with a tag each is created, replaced or dropped', async () => {
  await call(shared(), '/notify/known', { body: { title: 'y', tag: 't', version: 1 } })
  const newer = await call(shared(), '/notify/newer', { body: { title: 'y', tag: 't', version: 9 } })
  const { status, json } = await send(
    ['known', 'newer', 'new'],
    {},
    { ...notification, tag: 't', version: 2 },
  )
  expect(status).toBe(200)
  expect(json.results).toMatchObject([
    { user: 'known', status: 200, version: 2, created: false },
    { user: 'newer', status: 200, id: newer.json.id, seq: 1, version: 9, created: false, applied: false },
    { user: 'new', status: 201, version: 2, created: true },
  ])
})

test('ttl 0 reaches each and is not stored, without a seq', async () => {
  const { json } = await send(['ephemeral'], {}, { ...notification, ttl: 0 })
  expect(json).toEqual({
    results: [
      { user: 'ephemeral', status: 201, id: expect.any(String), version: 1, created: true, connections: 0 },
    ],
  })
})

test('a repeated key completes the rest', async () => {
  const headers = { 'idempotency-key': 'rest' }
  const first = await send(['r1', 'r2'], headers)
  const second = await send(['r1', 'r2', 'r3'], headers)
  expect([second.status, second.headers['idempotent-replayed']]).toEqual([200, undefined])
  const replayed = first.json.results.map((result: object) => ({ ...result, replayed: true }))
  expect(second.json.results).toEqual([
    ...replayed,
    expect.objectContaining({ user: 'r3', status: 201, seq: 1 }),
  ])
  expect(second.json.results[2].replayed).toBeUndefined()

  const third = await send(['r3', 'r1'], headers)
  expect([third.status, third.headers['idempotent-replayed']]).toEqual([200, 'true'])
  expect(third.json.results[1].id).toBe(first.json.results[0].id)
  // The same notification under the same key is the same one for the call that notifies one user.
  const single = await call(shared(), '/notify/r1', { body: notification, headers })
  expect([single.json.id, single.headers['idempotent-replayed']]).toEqual([first.json.results[0].id, 'true'])
})

test('207 if it was stored for some: the others have a problem', async () => {
  const headers = { 'idempotency-key': 'conflict' }
  await call(shared(), '/notify/c2', { body: { title: 'another' }, headers })
  const { status, json } = await send(['c1', 'c2', 'c3'], headers)
  expect(status).toBe(207)
  expect(json.results).toEqual([
    expect.objectContaining({ user: 'c1', status: 201, seq: 1 }),
    {
      user: 'c2',
      status: 422,
      problem: expect.objectContaining({
        status: 422,
        code: 'idempotency_conflict',
        help: 'http://localhost:80/errors#idempotency_conflict',
        title: expect.any(String),
      }),
    },
    expect.objectContaining({ user: 'c3', status: 201, seq: 1 }),
  ])
})

test('422 if a repeat would help nobody', async () => {
  const headers = { 'idempotency-key': 'conflict-2' }
  await call(shared(), '/notify/d1', { body: { title: 'another' }, headers })
  expect(await send(['d1'], headers)).toMatchObject({
    status: 422,
    json: { code: 'idempotency_conflict', results: [{ user: 'd1', status: 422 }] },
  })
})

test('503 if it was stored for nobody, with a result for each', async () => {
  const { api, engine } = await startApi()
  await engine.close()
  const answer = await call(api, '/notify', { body: { users: ['a', 'b'], notification } })
  expect(answer).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    json: {
      status: 503,
      code: 'shutting_down',
      instance: '/notify',
      results: [
        { user: 'a', status: 503, problem: { code: 'shutting_down' } },
        { user: 'b', status: 503 },
      ],
    },
  })
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
})

test.each([1, 1000])('%i users are taken', async (count) => {
  const { status, json } = await send(usersOf(count, `many-${count}-`))
  expect([status, json.results.length]).toEqual([200, count])
  expect(new Set(json.results.map(({ id }: { id: string }) => id)).size).toBe(count)
})

test.each<[string, string, object]>([
  ['no users', '/users', { users: [], notification }],
  ['1001 users', '/users', { users: usersOf(1001, 'u'), notification }],
  ['a user twice', '/users/2', { users: ['a', 'b', 'a'], notification }],
  ['a user of that name twice', '/users/1', { users: ['__proto__', '__proto__'], notification }],
  ['an empty user', '/users/1', { users: ['a', ''], notification }],
  ['a user with a control character', '/users/1', { users: ['a', 'b\n'], notification }],
  ['half a character', '/users/0', { users: ['\ud800'], notification }],
  ['a number', '/users/0', { users: [1], notification }],
  ['nobody', '/users', { notification }],
  ['nothing', '/notification', { users: ['a'] }],
  ['nothing to show', '/notification', { users: ['a'], notification: {} }],
  ['a long title', '/notification/title', { users: ['a'], notification: { title: 'x'.repeat(201) } }],
  [
    'a version without a tag',
    '/notification/version',
    { users: ['a'], notification: { title: 'x', version: 1 } },
  ],
  ['large data', '/notification/data', { users: ['a'], notification: { data: 'x'.repeat(16_383) } }],
  ['an unknown field', '/title', { users: ['a'], notification, title: 'x' }],
])('refuses %s as a whole, and points to it', async (_, pointer, body) => {
  const { api } = await startApi()
  expect(await call(api, '/notify', { body })).toMatchObject({
    status: 400,
    json: { code: 'invalid_request', errors: [{ pointer }] },
  })
  expect((await call(api, '/notify/a', { body: notification })).json.seq).toBe(1)
})
