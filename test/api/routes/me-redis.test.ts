import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { type RedisCluster, startRedisCluster } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

interface Result {
  user: string
  status: number
  id?: string
  seq?: number
  replayed?: boolean
  problem?: { code: string; status: number }
}

const users = Array.from({ length: 300 }, (_, index) => `user-${index}`)

let cluster: RedisCluster
let app: TestApp
beforeAll(async () => {
  // What the nodes that are left have is still served.
  cluster = await startRedisCluster({ aof: true, settings: { 'cluster-require-full-coverage': 'no' } })
  app = await startApp({ REDIS_URL: cluster.url })
  await app.app.engine.probe()
}, 60_000)
afterAll(async () => {
  await app.close()
  await cluster.stop()
})

const many = async (key: string): Promise<{ status: number; results: Result[] }> => {
  const body = { users, notification: { title: 'Hello', tag: 't' } }
  const response = await app.post('/notify', body, { 'idempotency-key': key })
  return { status: response.status, results: ((await response.json()) as { results: Result[] }).results }
}

test('many users on three nodes, then again', async () => {
  const first = await many('first')
  expect(first.status).toBe(200)
  expect(first.results.map(({ user, status, seq }) => [user, status, seq])).toEqual(
    users.map((user) => [user, 201, 1]),
  )
  const again = await many('again')
  expect(again.results.map(({ id, status, seq }) => [id, status, seq])).toEqual(
    first.results.map(({ id }) => [id, 200, 2]),
  )
})

test('what could not be stored while a node is down is completed by a repeat', async () => {
  await cluster.nodes[0]!.kill()
  const first = await many('rest')
  expect(first.status).toBe(207)
  const stored = first.results.filter(({ status }) => status === 200)
  const failed = first.results.filter(({ problem }) => problem !== undefined)
  expect(stored.length + failed.length).toBe(users.length)
  expect(Math.min(stored.length, failed.length)).toBeGreaterThan(0)
  for (const { status, problem } of failed) expect([status, problem!.status]).toEqual([503, 503])

  await cluster.nodes[0]!.restart()
  let second = first
  await until(
    async () => {
      second = await many('rest')
      return second.status === 200
    },
    20_000,
    500,
  )
  const known = new Map(second.results.map((result) => [result.user, result]))
  for (const { user, id, seq } of stored) expect(known.get(user)).toMatchObject({ id, seq, replayed: true })
  for (const result of second.results) expect(result).toMatchObject({ status: 200, seq: 3 })
}, 60_000)

test('a receipt and the inbox of the user are there, and a withdrawn one is gone', async () => {
  const headers = { authorization: `Bearer ${app.apiKey}` }
  const mine = { authorization: `Bearer ${app.token('ada')}`, 'content-type': 'application/json' }
  const { id, seq, epoch } = await app.postText(
    '/notify/ada',
    '{"tag":"t","data":[12345678901234567890,1e400]}',
  )
  const marked = await fetch(`${app.url}/me/notifications/mark`, {
    method: 'POST',
    headers: mine,
    body: JSON.stringify({ ids: [id], read: true }),
  })
  expect(await marked.json()).toEqual({ unread: 0, unseen: 0 })
  const receipt = await fetch(`${app.url}/notify/ada/t`, { headers })
  expect(await receipt.json()).toMatchObject({ id, seq, epoch, seen: null, read: { at: expect.any(String) } })
  const list = await (await fetch(`${app.url}/me/notifications?status=read&tag=t`, { headers: mine })).text()
  expect(list).toContain('"data":[12345678901234567890,1e400]')
  const withdraw = () => fetch(`${app.url}/notify/ada/${id}`, { method: 'DELETE', headers })
  expect([(await withdraw()).status, (await withdraw()).status]).toEqual([204, 404])
  expect(await (await fetch(`${app.url}/me/notifications`, { headers: mine })).json()).toMatchObject({
    items: [],
  })
})
