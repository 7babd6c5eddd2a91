import { describe, expect, test } from 'vitest'
import { call, shareApi, startApi } from '../../support/api.ts'

const title = 'Your export is ready'
const policy = { enabled: true, hasUrl: true, allowPrivate: false }

describe('the field webhook', () => {
  const api = shareApi()

  const notify = (webhook: unknown, extra: object = {}) =>
    call(api(), '/notify/ada', { body: { title, webhook, ...extra } })

  test.each([
    [{ events: ['delivered'] }],
    [{ events: ['read', 'delivered', 'undelivered'], undeliveredAfter: 1 }],
    [{ events: ['undelivered'], undeliveredAfter: 2_419_200 }],
    [{ events: ['read'], url: 'https://backend.example/hook?a=1' }],
    [{ events: ['read'], url: `https://backend.example/${'x'.repeat(2048 - 24)}` }],
  ])('%j is taken', async (webhook) => {
    expect(await notify(webhook)).toMatchObject({ status: 201 })
  })

  test.each([
    [{ events: [] }, '/webhook/events', 'at least 1 item'],
    [{ events: ['delivered', 'delivered'] }, '/webhook/events', 'twice'],
    [
      { events: ['delivered', 'read', 'undelivered', 'read'], undeliveredAfter: 1 },
      '/webhook/events',
      'at most 3 items',
    ],
    [{ events: ['clicked'] }, '/webhook/events/0', 'delivered, read, undelivered'],
    [{}, '/webhook/events', 'required'],
    [{ events: ['read'], secret: 'x' }, '/webhook/secret', 'not a known field'],
    [{ events: ['undelivered'], undeliveredAfter: 0 }, '/webhook/undeliveredAfter', '>= 1'],
    [{ events: ['undelivered'], undeliveredAfter: 2_419_201 }, '/webhook/undeliveredAfter', '<= 2419200'],
    [{ events: ['undelivered'] }, '/webhook/undeliveredAfter', 'is required'],
    [{ events: ['read'], undeliveredAfter: 5 }, '/webhook/undeliveredAfter', 'wants the event undelivered'],
    [{ events: ['read'], url: 'http://backend.example/' }, '/webhook/url', 'https://'],
    [{ events: ['read'], url: 'backend.example' }, '/webhook/url', 'https://'],
    [{ events: ['read'], url: 'https://a:b@backend.example/' }, '/webhook/url', 'user name or password'],
    [{ events: ['read'], url: `https://backend.example/${'x'.repeat(2049 - 24)}` }, '/webhook/url', '2048'],
  ])('%j is refused', async (webhook, pointer, detail) => {
    const { status, json } = await notify(webhook)
    expect([status, json.errors[0].pointer]).toEqual([400, pointer])
    expect(json.errors[0].detail).toContain(detail)
  })

  test('with ttl: 0 there is nothing to report', async () => {
    const { status, json } = await notify({ events: ['read'] }, { ttl: 0 })
    expect([status, json.errors[0].pointer]).toEqual([400, '/webhook'])
    expect(await notify({ events: ['read'] }, { ttl: 1 })).toMatchObject({ status: 201 })
  })

  test('it is taken and refused by PUT, for later and for many just the same', async () => {
    const good = { title, webhook: { events: ['read'] } }
    const bad = { title, webhook: { events: ['read'], url: 'ftp://backend.example' } }
    const sendAt = new Date(Date.now() + 60_000).toISOString()
    const put = (body: object) => call(api(), '/notify/ada/t', { method: 'PUT', body })
    const later = (body: object) => call(api(), '/notify/ada', { body: { ...body, sendAt } })
    const many = (notification: object) =>
      call(api(), '/notify', { body: { users: ['ada', 'bob'], notification } })
    expect([(await put(good)).status, (await later(good)).status, (await many(good)).status]).toEqual([
      201, 202, 200,
    ])
    for (const [answer, pointer] of [
      [await put(bad), '/webhook/url'],
      [await later(bad), '/webhook/url'],
      [await many(bad), '/notification/webhook/url'],
    ] as const)
      expect([answer.status, answer.json.errors[0].pointer]).toEqual([400, pointer])
  })

  test('it is a part of what an idempotency key stands for', async () => {
    const headers = { 'idempotency-key': 'k' }
    const send = (webhook: object) => call(api(), '/notify/eve', { body: { title, webhook }, headers })
    const first = await send({ events: ['read'] })
    expect((await send({ events: ['read'] })).json.id).toBe(first.json.id)
    expect((await send({ events: ['delivered'] })).status).toBe(422)
  })
})

test.each([
  [{ ...policy, enabled: false }, {}, '/webhook', 'WEBHOOK_SECRET'],
  [{ ...policy, hasUrl: false }, {}, '/webhook/url', 'WEBHOOK_URL'],
])('with %j it is refused', async (webhooks, target, pointer, variable) => {
  const { api } = await startApi({ webhooks })
  const { status, json } = await call(api, '/notify/ada', {
    body: { title, webhook: { events: ['read'], ...target } },
  })
  expect([status, json.errors[0].pointer]).toEqual([400, pointer])
  expect(json.detail).toContain(variable)
})

test('a call names a URL where the operator did not, and plain HTTP where that is allowed', async () => {
  const send = async (webhooks: typeof policy, url: string) => {
    const { api } = await startApi({ webhooks })
    return (await call(api, '/notify/ada', { body: { title, webhook: { events: ['read'], url } } })).status
  }
  expect(await send({ ...policy, hasUrl: false }, 'https://backend.example/')).toBe(201)
  expect(await send({ ...policy, allowPrivate: true }, 'http://127.0.0.1:9/')).toBe(201)
  expect(await send({ ...policy, allowPrivate: true }, 'ftp://127.0.0.1:9/')).toBe(400)
})
