import type { FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { call, shareApi, startApi } from '../../support/api.ts'
import { startApp } from '../../support/app.ts'
import { startRedis } from '../../support/programs/redis.ts'

const shared = shareApi()

async function say(api: FastifyInstance, room: string, count: number): Promise<void> {
  for (let index = 1; index <= count; index++)
    await call(api, `/rooms/${room}/messages`, { body: { body: `${index}` } })
}

const bodies = (json: { messages: { body: string }[] }): number[] =>
  json.messages.map(({ body }) => Number(body))

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('a message is answered with its position, and has no sender', async () => {
  const api = shared()
  const answer = await call(api, '/rooms/first/messages', { body: { type: 'chat', body: 'Hi', data: [1] } })
  expect(answer).toMatchObject({ status: 201, json: { seq: 1, connections: 0 } })
  const { json } = await call(api, '/rooms/first/messages')
  expect(json).toEqual({
    messages: [
      {
        id: answer.json.id,
        seq: 1,
        epoch: answer.json.epoch,
        room: 'first',
        type: 'chat',
        body: 'Hi',
        data: [1],
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      },
    ],
    seq: 1,
    epoch: answer.json.epoch,
    nextCursor: null,
  })
})

test.each<[string, string, object]>([
  ['nothing to say', '', { type: 'chat' }],
  ['a sender', '/from', { body: 'x', from: 'admin' }],
  ['a long body', '/body', { body: 'x'.repeat(4001) }],
  ['large data', '/data', { data: 'x'.repeat(16_383) }],
  ['a ttl', '/ttl', { body: 'x', ttl: 5 }],
])('refuses %s', async (_, pointer, body) => {
  expect(await call(shared(), '/rooms/refusing/messages', { body })).toMatchObject({
    status: 400,
    json: { errors: [{ pointer }] },
  })
})

test('the same idempotency key 50 times at once is one message', async () => {
  const api = shared()
  const headers = { 'idempotency-key': 'k' }
  const answers = await Promise.all(
    range(1, 50).map(() => call(api, '/rooms/once/messages', { body: { body: '1' }, headers })),
  )
  expect(new Set(answers.map(({ status, json }) => `${status} ${json.id}`)).size).toBe(1)
  expect((await call(api, '/rooms/once/messages')).json.messages).toHaveLength(1)
})

describe('the history', () => {
  test('begins with the newest, and its cursor goes to the older ones', async () => {
    const api = shared()
    await say(api, 'back', 7)
    let { json } = await call(api, '/rooms/back/messages?limit=3')
    expect([bodies(json), json.seq]).toEqual([[5, 6, 7], 7])
    json = (await call(api, `/rooms/back/messages?limit=3&cursor=${json.nextCursor}`)).json
    expect(bodies(json)).toEqual([2, 3, 4])
    json = (await call(api, `/rooms/back/messages?limit=3&cursor=${json.nextCursor}`)).json
    expect([bodies(json), json.nextCursor]).toEqual([[1], null])
  })

  test('with since goes forward, and so does its cursor', async () => {
    const api = shared()
    await say(api, 'forth', 7)
    const { epoch } = (await call(api, '/rooms/forth/messages')).json
    let { json } = await call(api, `/rooms/forth/messages?since=2&epoch=${epoch}&limit=3`)
    expect([bodies(json), json.seq, json.gap]).toEqual([[3, 4, 5], 7, undefined])
    json = (await call(api, `/rooms/forth/messages?limit=3&cursor=${json.nextCursor}`)).json
    expect([bodies(json), json.nextCursor]).toEqual([[6, 7], null])
  })

  test('since 0 alone is everything, without a gap', async () => {
    const api = shared()
    await say(api, 'all', 3)
    const { json } = await call(api, '/rooms/all/messages?since=0')
    expect([bodies(json), json.gap]).toEqual([[1, 2, 3], undefined])
  })

  test('of a room that nobody spoke in is empty, and has a position', async () => {
    const { status, json } = await call(shared(), '/rooms/silent/messages')
    expect(status).toBe(200)
    expect(json).toEqual({ messages: [], seq: 0, epoch: expect.any(String), nextCursor: null })
  })

  test('admits what it cannot show', async () => {
    const api = shared()
    await say(api, 'gap', 2)
    const { json } = await call(api, '/rooms/gap/messages?since=1&epoch=another.run')
    expect(json.gap).toMatchObject({ from: 1, reason: 'wiped' })
    expect(bodies(json)).toEqual([1, 2])
  })

  test('has 50 messages if nobody says how many, and at most 100', async () => {
    const { api } = await startApi()
    await say(api, 'many', 101)
    expect(bodies((await call(api, '/rooms/many/messages')).json)).toEqual(range(52, 101))
    expect(bodies((await call(api, '/rooms/many/messages?limit=100')).json)).toEqual(range(2, 101))
  })

  test.each([
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=ten', '/limit'],
    ['limit=1.5', '/limit'],
    ['limit=', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['since=-1', '/since'],
    ['since=99999999999999999999', '/since'],
    ['since=5', '/epoch'],
    ['epoch=x', '/since'],
    ['cursor=x', '/cursor'],
    ['cursor=e30', '/cursor'],
    ['cursor=bnVsbA', '/cursor'],
    ['cursor=eyJiZWZvcmUiOi0xfQ', '/cursor'],
    ['cursor=eyJiZWZvcmUiOjB9', '/cursor'],
    ['cursor=eyJiZWZvcmUiOjF9&since=0', '/cursor'],
    ['page=2', '/page'],
  ])('refuses ?%s', async (query, pointer) => {
    expect(await call(shared(), `/rooms/query/messages?${query}`)).toMatchObject({
      status: 400,
      json: { errors: [{ pointer }] },
    })
  })
})

test.each(['embedded', 'redis'])(
  'a cursor may lead to below the first message, and not below nothing: on %s',
  async (engine) => {
    const redis = engine === 'redis' ? await startRedis() : undefined
    onTestFinished(() => redis?.stop())
    const app = await startApp(redis === undefined ? {} : { REDIS_URL: redis.url })
    onTestFinished(() => app.close())
    await app.message('lobby', { body: '1' })
    const before = async (seq: number) => {
      const cursor = Buffer.from(JSON.stringify({ before: seq })).toString('base64url')
      const headers = { authorization: `Bearer ${app.apiKey}` }
      const response = await fetch(`${app.url}/rooms/lobby/messages?cursor=${cursor}`, { headers })
      return { status: response.status, json: await response.json() }
    }
    expect(await before(2)).toMatchObject({ status: 200, json: { messages: [{ body: '1' }] } })
    expect(await before(1)).toMatchObject({ status: 200, json: { messages: [], nextCursor: null } })
    expect(await before(0)).toMatchObject({ status: 400, json: { errors: [{ pointer: '/cursor' }] } })
  },
)
