import { describe, expect, test } from 'vitest'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadOf } from '../../../src/core/model/publication.ts'
import { call, shareApi, startApi, testTokens } from '../../support/api.ts'
import { now } from '../../support/forged-tokens.ts'

const shared = shareApi()

describe('presence', () => {
  test('says who is there, how often, and since when not', async () => {
    const { api, engine } = await startApi()
    await engine.connections.announce(userChannel('ann'), 2)
    await engine.connections.announce(userChannel('bob'), 1)
    await engine.connections.announce(userChannel('bob'), 0)
    const { json } = await call(api, '/presence', { body: { users: ['ann', 'bob', 'eve', 'ann'] } })
    expect(json.users).toMatchObject([
      { user: 'ann', online: true, connections: 2 },
      { user: 'bob', online: false, connections: 0, lastSeen: expect.stringMatching(/Z$/) },
      { user: 'eve', online: false, connections: 0, lastSeen: null },
      { user: 'ann', online: true, connections: 2 },
    ])
    expect((await call(api, '/users/bob/presence')).json).toEqual(json.users[1])
    expect((await call(api, '/notify/ann', { body: { title: 'x' } })).json.connections).toBe(2)
  })

  test.each([
    [1000, 200],
    [1001, 400],
    [0, 400],
  ])('of %i users: %i', async (length, status) => {
    const users = Array.from({ length }, (_, index) => `user-${index}`)
    expect((await call(shared(), '/presence', { body: { users } })).status).toBe(status)
  })

  test.each<[string, object]>([
    ['/users', {}],
    ['/users', { users: 'ann' }],
    ['/users/1', { users: ['ann', 5] }],
    ['/users/0', { users: [''] }],
    ['/user', { users: ['ann'], user: 'ann' }],
  ])('points to %s in %j', async (pointer, body) => {
    expect(await call(shared(), '/presence', { body })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer }] },
    })
  })
})

describe('disconnect', () => {
  test.each<[string, object]>([
    ['without a body', { method: 'POST' }],
    ['with an empty body', { method: 'POST', body: '' }],
    ['with an empty object', { body: {} }],
  ])('%s tells every process, and revokes nothing', async (_, options) => {
    const { api, engine } = await startApi()
    expect(await call(api, '/users/ann/disconnect', options)).toMatchObject({
      status: 202,
      json: { user: 'ann', revoked: false },
    })
    const { publications } = await engine.broker.latest(userChannel('ann'), undefined, {
      entries: 9,
      bytes: 9999,
    })
    expect(publications.map(({ event }) => event)).toEqual(['control'])
    expect(payloadOf(publications[0]!)).toMatchObject({ action: 'disconnect' })
    expect(await engine.revocations.revokedUntil('ann')).toBe(0)
  })

  test('with revoke refuses what was issued up to now, before anybody hears of it', async () => {
    const { api, engine } = await startApi()
    const revokedWhenTold = Promise.withResolvers<number>()
    await engine.broker.subscribe(userChannel('ann'), () => {
      engine.revocations.revokedUntil('ann').then(revokedWhenTold.resolve, revokedWhenTold.reject)
    })
    const before = now()
    expect(await call(api, '/users/ann/disconnect', { body: { revoke: true } })).toMatchObject({
      status: 202,
      json: { revoked: true },
    })
    expect(await revokedWhenTold.promise).toBeGreaterThanOrEqual(before)
    expect(await engine.revocations.revokedUntil('bob')).toBe(0)
  })

  test.each<[string, object]>([
    ['/revoke', { revoke: 'true' }],
    ['/reason', { reason: 'x' }],
  ])('points to %s in %j', async (pointer, body) => {
    expect(await call(shared(), '/users/ann/disconnect', { body })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer }] },
    })
  })
})

describe('POST /tokens', async () => {
  const { verifier } = await testTokens()

  test('makes a token that opens a connection', async () => {
    const body = { user: 'ü 😀', ttl: 60, rooms: ['chat:*'], publish: ['chat:1'] }
    const { status, headers, json } = await call(shared(), '/tokens', { body })
    expect([status, headers['cache-control']]).toEqual([201, 'no-store'])
    const claims = await verifier.browser(json.token)
    expect(claims).toMatchObject({ user: 'ü 😀', rooms: ['chat:*'], publish: ['chat:1'] })
    expect(claims.expiresAt - claims.issuedAt).toBe(60)
    expect(Date.parse(json.expiresAt)).toBe(claims.expiresAt * 1000)
  })

  test('lasts an hour and grants no room if nothing else is said', async () => {
    const { json } = await call(shared(), '/tokens', { body: { user: 'ann' } })
    const claims = await verifier.browser(json.token)
    expect([claims.expiresAt - claims.issuedAt, claims.rooms, claims.publish]).toEqual([3600, [], []])
  })

  test.each<[string, object]>([
    ['/user', {}],
    ['/ttl', { user: 'ann', ttl: 0 }],
    ['/ttl', { user: 'ann', ttl: 2_592_001 }],
    ['/rooms', { user: 'ann', rooms: '*' }],
    ['/rooms', { user: 'ann', rooms: Array(101).fill('a') }],
    ['/rooms/0', { user: 'ann', rooms: ['a\n'] }],
    ['/publish/1', { user: 'ann', publish: ['a', ''] }],
    ['/sub', { user: 'ann', sub: 'admin' }],
  ])('points to %s in %j', async (pointer, body) => {
    expect(await call(shared(), '/tokens', { body })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer }] },
    })
  })

  test('says so where tokens are only checked', async () => {
    const { api } = await startApi({ sign: undefined })
    expect(await call(api, '/tokens', { body: { user: 'ann' } })).toMatchObject({
      status: 404,
      json: { detail: expect.stringContaining('JWT_SECRET') },
    })
  })
})
