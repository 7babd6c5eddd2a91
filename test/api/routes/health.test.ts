import { describe, expect, test } from 'vitest'
import { call, shareApi, startApi } from '../../support/api.ts'

const shared = shareApi()
const open = { key: undefined }

test('alive and ready, without a credential', async () => {
  expect(await call(shared(), '/livez', open)).toMatchObject({ status: 200, json: { status: 'alive' } })
  expect(await call(shared(), '/readyz', open)).toMatchObject({ status: 200, json: { status: 'ready' } })
})

test('not ready says why, while it is alive', async () => {
  const readiness: { reason: string | undefined; isStopped: boolean } = {
    reason: 'the store is away',
    isStopped: false,
  }
  const { api } = await startApi({ readiness })
  expect(await call(api, '/readyz', open)).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    json: { code: 'engine_unavailable', detail: 'the store is away' },
  })
  expect((await call(api, '/livez', open)).status).toBe(200)
  readiness.reason = undefined
  expect((await call(api, '/readyz', open)).status).toBe(200)
})

test('draining is not ready, and still answers', async () => {
  const { api } = await startApi({ readiness: { reason: 'the process is draining', isStopped: true } })
  expect(await call(api, '/readyz', open)).toMatchObject({ status: 503, json: { code: 'shutting_down' } })
  expect((await call(api, '/notify/demo', { body: { title: 'x' } })).status).toBe(201)
})

describe('metrics', () => {
  test('count what was done, per app', async () => {
    const { api } = await startApi()
    api.addMetrics([
      { name: 'tabcast_things', help: 'Things.', kind: 'gauge', read: () => 7 },
      {
        name: 'tabcast_ends_total',
        help: 'Ends.',
        kind: 'counter',
        label: 'reason',
        read: () => ({ slow: 2 }),
      },
    ])
    const headers = { 'idempotency-key': 'k' }
    for (let times = 0; times < 3; times++) await call(api, '/notify/demo', { body: { title: 'x' }, headers })
    await call(api, '/rooms/lobby/messages', { body: { body: 'x' } })
    await call(api, '/nowhere')
    for (let scrapes = 0; scrapes < 2; scrapes++) {
      const { status, text, headers } = await call(api, '/metrics', open)
      expect([status, headers['content-type']]).toEqual([
        200,
        expect.stringMatching(/^text\/plain; version=/),
      ])
      expect(text).toContain('\ntabcast_notifications_total 1\n')
      expect(text).toContain('\ntabcast_messages_total 1\n')
      expect(text).toContain('\ntabcast_idempotent_replays_total 2\n')
      expect(text).toContain('\ntabcast_http_errors_total{code="not_found"} 1\n')
      expect(text).toContain('\ntabcast_things 7\n')
      expect(text).toContain('\ntabcast_ends_total{reason="slow"} 2\n')
      expect(text).toContain('process_resident_memory_bytes')
    }
    expect((await call(shared(), '/metrics', open)).text).toContain('\ntabcast_notifications_total 0\n')
  })
})

test('a worker has health and no backend routes', async () => {
  const { api } = await startApi({ role: 'worker' })
  for (const url of ['/livez', '/readyz', '/metrics', '/'])
    expect([url, (await call(api, url, open)).status]).toEqual([url, 200])
  for (const url of ['/notify/demo', '/rooms/a/messages', '/presence', '/tokens', '/users/a/disconnect'])
    expect(await call(api, url, { body: {} })).toMatchObject({
      status: 404,
      json: {
        code: 'not_found',
        detail:
          'there is no POST here: this process has ROLE=worker and takes no posts; call one with ROLE=api or ROLE=all',
      },
    })
  expect(await call(shared(), '/nowhere', { body: {} })).toMatchObject({
    json: { detail: 'there is no POST here' },
  })
})
