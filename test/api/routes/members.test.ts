import { describe, expect, test } from 'vitest'
import { apiKey, call, startApi } from '../../support/api.ts'

describe('PUT and DELETE /rooms/:room/members/:user', () => {
  test('store a membership and take it back, as often as they are called', async () => {
    const { api, engine } = await startApi()
    const path = `/rooms/${encodeURIComponent('a/b ü')}/members/${encodeURIComponent('{ada}')}`
    const put = (body?: object) => call(api, path, { method: 'PUT', ...(body === undefined ? {} : { body }) })
    for (const body of [undefined, {}, { publish: false }]) expect((await put(body)).status).toBe(204)
    expect(await engine.memberships.of('{ada}')).toEqual(new Map([['a/b ü', false]]))
    const answer = await put({ publish: true })
    expect(answer).toMatchObject({ status: 204, text: '' })
    expect(await engine.memberships.of('{ada}')).toEqual(new Map([['a/b ü', true]]))
    for (let time = 0; time < 2; time++)
      expect((await call(api, path, { method: 'DELETE' })).status).toBe(204)
    expect(await engine.memberships.of('{ada}')).toEqual(new Map())
  })

  test('one room more than allowed is refused with 409', async () => {
    const { api } = await startApi({ maxMemberships: 2 })
    const put = async (room: string) => call(api, `/rooms/${room}/members/ada`, { method: 'PUT' })
    expect((await put('a')).status).toBe(204)
    expect((await put('b')).status).toBe(204)
    const refused = await put('c')
    expect(refused).toMatchObject({ status: 409, json: { code: 'too_many_memberships' } })
    expect(refused.json.detail).toBe('a user may be a member of 2 rooms')
  })

  test.each([
    ['an unknown field', { speak: true }],
    ['text for a boolean', { publish: 'true' }],
    ['a list', []],
  ])('%s is refused', async (_name, body) => {
    const { api, engine } = await startApi()
    const answer = await call(api, '/rooms/den/members/ada', { method: 'PUT', body })
    expect(answer).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(await engine.memberships.of('ada')).toEqual(new Map())
  })

  test.each([
    ['PUT', '/rooms/den/members/ada', 'rooms:write'],
    ['DELETE', '/rooms/den/members/ada', 'rooms:write'],
    ['GET', '/rooms/den/presence', 'presence:read'],
  ] as const)('%s %s wants the scope %s', async (method, path, scope) => {
    const { api } = await startApi({ apiKeys: [apiKey('right', scope), apiKey('wrong', 'notify:write')] })
    expect((await call(api, path, { method, key: 'right' })).status).toBeLessThan(300)
    expect(await call(api, path, { method, key: 'wrong' })).toMatchObject({
      status: 403,
      json: { code: 'scope_missing' },
    })
  })
})
